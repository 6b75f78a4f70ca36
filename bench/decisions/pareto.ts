import type { EdgeRow } from './edge.ts';

const width = 860;
const height = 460;
const left = 70;
const bottom = 60;
const top = 50;
const right = 270;

/** Overload time over cost, a numbered point a policy, by cost; those that nothing undercuts in both are joined. The scales are logarithmic. */
export function pareto(rows: readonly EdgeRow[], title: string): string {
  const shown = rows.filter(({ cost, otf }) => cost > 0 && otf > 0);
  const x = scale(
    shown.map(({ cost }) => cost),
    left,
    width - right,
  );
  const y = scale(
    shown.map(({ otf }) => otf * 100),
    height - bottom,
    top,
  );
  const front = shown
    .filter((one) => !shown.some((other) => other !== one && other.cost <= one.cost && other.otf <= one.otf))
    .toSorted((a, b) => a.cost - b.cost);
  const line = front.map(({ cost, otf }) => `${x.at(cost)},${y.at(otf * 100)}`).join(' ');
  const ticks = [
    ...x.ticks.map((tick) => text(x.at(tick), height - bottom + 20, String(tick), 'middle')),
    ...y.ticks.map((tick) => text(left - 10, y.at(tick) + 4, String(tick), 'end')),
    ...x.ticks.map((tick) => rule(x.at(tick), top, x.at(tick), height - bottom)),
    ...y.ticks.map((tick) => rule(left, y.at(tick), width - right, y.at(tick))),
  ];
  const ranked = shown.toSorted((a, b) => a.cost - b.cost || a.otf - b.otf);
  const points = ranked.map(({ policy, cost, otf }, index) => {
    const fill = policy === 'default' ? '#c2410c' : '#1d4ed8';
    const [px, py] = [x.at(cost), y.at(otf * 100)];
    const above = index % 2 === 0 ? py - 8 : py + 18;
    const name = text(width - right + 20, top + 10 + index * 18, `${index + 1}  ${policy}`, 'start');
    return `<circle cx="${px}" cy="${py}" r="4" fill="${fill}"/>${text(px, above, String(index + 1), 'middle')}${name}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(left, 24, title, 'start'),
    ...ticks,
    `<polyline points="${line}" fill="none" stroke="#94a3b8" stroke-dasharray="4 3"/>`,
    ...points,
    text((left + width - right) / 2, height - 14, 'cost, USD', 'middle'),
    text(left, top - 8, 'overload time, %', 'start'),
    '</svg>\n',
  ].join('\n');
}

const text = (x: number, y: number, words: string, anchor: string): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#0f172a">${words}</text>`;
const rule = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#e2e8f0"/>`;

const steps = [1, 1.5, 2, 3, 5, 7];

/** Ticks at round multiples of the powers of ten. */
function scale(values: readonly number[], from: number, to: number) {
  const low = Math.min(...values) * 0.8;
  const high = Math.max(...values) * 1.25;
  const at = (value: number): number => Math.round(from + ((to - from) * Math.log(value / low)) / Math.log(high / low));
  const powers = Array.from({ length: 12 }, (_, index) => 10 ** (index - 5));
  const ticks = powers
    .flatMap((power) => steps.map((step) => Number((step * power).toPrecision(2))))
    .filter((tick) => tick >= low && tick <= high);
  return { at, ticks };
}
