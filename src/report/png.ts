import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const fonts = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'];

let loading: Promise<typeof import('@resvg/resvg-wasm')> | undefined;

/** Its WebAssembly may be set up once only. */
function resvg() {
  loading ??= (async () => {
    const module = await import('@resvg/resvg-wasm');
    await module.initWasm(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm')));
    return module;
  })();
  return loading;
}

/**
 * An SVG text as a PNG image, `scale` pixels for each of its own. Text is drawn with the DejaVu fonts that come with rxnas, so that machines
 * without fonts give the same image.
 */
export async function renderPng(svg: string, scale = 2): Promise<Uint8Array> {
  const { Resvg } = await resvg();
  const drawn = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: scale },
    font: {
      fontBuffers: fonts.map((name) => readFileSync(require.resolve(`dejavu-fonts-ttf/ttf/${name}`))),
      defaultFontFamily: 'DejaVu Sans',
      sansSerifFamily: 'DejaVu Sans',
    },
  });
  try {
    const image = drawn.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    drawn.free();
  }
}
