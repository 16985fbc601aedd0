import type { Device, Tensor } from "../gpu/mod.ts";
export function add(_a: Tensor, _b: Tensor): Tensor { throw new Error("later"); }
export function multiply(_a: Tensor, _b: Tensor): Tensor { throw new Error("later"); }
export function affine(_a: Tensor, _scale: number, _shift: number): Tensor { throw new Error("later"); }
export function fill(_d: Device, _shape: readonly number[], _v: number): Tensor { throw new Error("later"); }
