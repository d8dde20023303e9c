import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Codec {
  default(module: Uint8Array | WebAssembly.Module): Promise<unknown>;
  encode(pixels: Uint8Array, width: number, height: number, bitDepth: number): Promise<Uint8Array>;
  decode(png: Uint8Array): Promise<{ data: Uint8ClampedArray; width: number }>;
}

/** An image compressed and decompressed. */
export default async function run(packages: string): Promise<Uint8Array> {
  const folder = `${packages}/node_modules/@jsquash/png/codec/pkg`;
  // The codec makes one of these; Node has none.
  Object.assign(globalThis, {
    ImageData: class {
      readonly data: Uint8ClampedArray;
      readonly width: number;
      constructor(data: Uint8ClampedArray, width: number) {
        this.data = data;
        this.width = width;
      }
    },
  });
  const codec = (await import(pathToFileURL(`${folder}/squoosh_png.js`).href)) as Codec;
  await codec.default(readFileSync(`${folder}/squoosh_png_bg.wasm`));
  const [width, height] = [320, 200];
  const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i * (i >> 9)) ^ (i >> 3));
  const png = await codec.encode(pixels, width, height, 8);
  const image = await codec.decode(png);
  if (image.width !== width) throw new Error(`decoded ${image.width} columns`);
  return Buffer.concat([png, new Uint8Array(image.data)]);
}
