/** Large data that only some machines have, in the folder that `BITCLIFF_DATA` names. */
const folder = Deno.env.get("BITCLIFF_DATA");

function ifThere(name: string, witness: string): string | undefined {
  if (!folder) return undefined;
  try {
    Deno.statSync(`${folder}/${name}/${witness}`);
    return `${folder}/${name}`;
  } catch {
    return undefined;
  }
}

/** Where CIFAR-10 is; `undefined` where tests that need it must be skipped, and say so. */
export const cifar10Folder: string | undefined = ifThere("cifar10", "test_batch.bin.gz");

/** Where pretrained ResNets are; `undefined` where tests that need them must be skipped, and say so. */
export const resnetFolder: string | undefined = ifThere("resnet", "resnet20.safetensors");
