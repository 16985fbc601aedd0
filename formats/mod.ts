/**
 * Bytes to plain structures and back: idx, gzip, tar, safetensors, npy; no GPU and no file system.
 *
 * @module
 */
export { decodeIdx, encodeIdx, type IdxArray } from "./idx.ts";
export { gunzip, gzip, isGzip } from "./gzip.ts";
export { decodeNpy, type NpyArray } from "./npy.ts";
export { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
export type {
  Safetensors,
  SafetensorsArrays,
  SafetensorsDtype,
  SafetensorsTensor,
  SafetensorsTensorOf,
} from "./safetensors_types.ts";
export { decodeTar } from "./tar.ts";
export { nearest, unknownName, UserError } from "./user_error.ts";
