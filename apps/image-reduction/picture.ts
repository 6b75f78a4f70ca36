import { createRandom } from '../shared/random.ts';

/** Red, green and blue bytes, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** How often a place is painted over on average: one in e⁴ stays bare. */
const layers = 4;

/**
 * Paints the picture number `seed`: shaded discs of random place and colour over each other, with radii of density
 * r⁻³. These "dead leaves" have the edges, the flat areas and the scale invariance of photographs (Lee, Mumford and
 * Huang 2001), and networks for images can be trained on them alone (Achddou, Gousseau and Ladjal 2021).
 */
export function paintPicture(seed: number, side: number): Picture {
  const random = createRandom(seed);
  const rgb = new Uint8Array(side * side * 3);
  const [smallest, largest] = [2, side / 3];
  const meanArea = 2 * Math.PI * smallest ** 2 * Math.log(largest / smallest);
  for (let leaf = 0; leaf < (layers * side ** 2) / meanArea; leaf += 1) {
    const spread = random() * (smallest ** -2 - largest ** -2) + largest ** -2;
    paintDisc({ width: side, height: side, rgb }, random, spread ** -0.5);
  }
  return { width: side, height: side, rgb };
}

function paintDisc({ width, height, rgb }: Picture, random: () => number, radius: number): void {
  const [x, y] = [random() * width, random() * height];
  const colour = [random() * 255, random() * 255, random() * 255] as const;
  const [slopeX, slopeY] = [(random() - 0.5) / radius, (random() - 0.5) / radius];
  const [top, bottom] = [Math.max(0, Math.ceil(y - radius)), Math.min(height - 1, Math.floor(y + radius))];
  for (let row = top; row <= bottom; row += 1) {
    const half = Math.sqrt(radius ** 2 - (row - y) ** 2);
    const [left, right] = [Math.max(0, Math.ceil(x - half)), Math.min(width - 1, Math.floor(x + half))];
    for (let column = left; column <= right; column += 1) {
      const shade = 1 + slopeX * (column - x) + slopeY * (row - y);
      const at = (row * width + column) * 3;
      for (let channel = 0; channel < 3; channel += 1)
        rgb[at + channel] = Math.min(255, (colour[channel] ?? 0) * shade);
    }
  }
}
