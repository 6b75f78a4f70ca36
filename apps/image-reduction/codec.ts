import { convertIndexedToRgb, decode as decodePng, encode as encodePng } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';
import { HttpError } from '../shared/router.ts';
import type { Picture } from './picture.ts';

/** An image as decoders give it: 1 to 4 channels a pixel. */
interface Raster {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
  readonly channels: number;
}

/** Reads a PNG of 8 bits a channel or a JPEG. Throws `HttpError` 400 for anything else, or one of over `maxPixels`. */
export function decodePicture(file: Buffer, maxPixels: number): Picture {
  const raster = decode(file, maxPixels);
  if (raster.width * raster.height > maxPixels) throw new HttpError(400, `image: expected at most ${maxPixels} pixels`);
  return flatten(raster);
}

export function encodePicture({ width, height, rgb }: Picture): Uint8Array {
  return encodePng({ width, height, data: rgb, channels: 3, depth: 8 });
}

function decode(file: Buffer, maxPixels: number): Raster {
  try {
    if (file.readUInt16BE() === 0xffd8) {
      return { ...decodeJpeg(file, { useTArray: true, maxResolutionInMP: maxPixels / 1e6 }), channels: 4 };
    }
    const png = decodePng(file);
    if (png.depth !== 8) throw new Error(`${png.depth} bits a channel`);
    return png.palette ? { ...png, data: convertIndexedToRgb(png), channels: png.palette[0]?.length ?? 3 } : png;
  } catch (cause) {
    throw new HttpError(400, `image: expected a JPEG or a PNG of 8 bits a channel: ${(cause as Error).message}`);
  }
}

/** Drops transparency; one or two channels are grey. */
function flatten({ width, height, data, channels }: Raster): Picture {
  const rgb = new Uint8Array(width * height * 3);
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const from = pixel * channels;
    rgb[pixel * 3] = data[from] ?? 0;
    rgb[pixel * 3 + 1] = data[from + green] ?? 0;
    rgb[pixel * 3 + 2] = data[from + blue] ?? 0;
  }
  return { width, height, rgb };
}
