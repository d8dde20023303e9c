import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Renderer {
  initWasm(bytes: Uint8Array): Promise<void>;
  Resvg: new (svg: string, options?: object) => { render(): { asPng(): Uint8Array; pixels: Uint8Array } };
}

/** A picture: gradients, curves, blurring, clipping. */
export default async function run(packages: string): Promise<Uint8Array> {
  const require = createRequire(pathToFileURL(`${packages}/package.json`));
  const { initWasm, Resvg } = require('@resvg/resvg-wasm') as Renderer;
  await initWasm(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
  const petals = Array.from({ length: 24 }, (_, i) => {
    const turn = `rotate(${i * 15} 150 150)`;
    return `<path d="M150 150 C 190 ${40 + i} 110 ${60 - i} 150 20 Z" fill="url(#g)" stroke="#${i % 10}0a" transform="${turn}" opacity=".7"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300">
    <defs><radialGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/></radialGradient>
      <filter id="f"><feGaussianBlur stdDeviation="3"/><feTurbulence baseFrequency=".05" numOctaves="3" result="n"/><feBlend in="SourceGraphic" in2="n" mode="multiply"/></filter>
      <clipPath id="c"><circle cx="150" cy="150" r="120"/></clipPath></defs>
    <g clip-path="url(#c)" filter="url(#f)">${petals.join('')}</g></svg>`;
  const image = new Resvg(svg, { fitTo: { mode: 'width', value: 400 } }).render();
  return Buffer.concat([image.asPng(), image.pixels]);
}
