/** What is left of a vector below this share of its length counts as nothing. */
const negligible = 1e-9;

/**
 * Squared multiple correlation R² of each series with all others together (Beloglazov & Buyya, CCPE 24(13), 2012, 7.3): the
 * share of its variance that a linear model of the others explains. Undefined where the common length leaves no degree of freedom.
 */
export function multipleCorrelation(series: readonly (readonly number[])[]): number[] | undefined {
  const length = Math.min(...series.map((values) => values.length));
  if (length < series.length + 1) return undefined;
  const centered = series.map((values) => center(values.slice(-length)));
  return centered.map((own, index) => explainedBy(own, centered.toSpliced(index, 1)));
}

/** Projects `own` on what the others span, by Gram-Schmidt; those that add no direction are passed over. */
function explainedBy(own: Float64Array, others: readonly Float64Array[]): number {
  const total = dot(own, own);
  if (total === 0) return 0;
  const basis: Float64Array[] = [];
  let explained = 0;
  for (const other of others) {
    const rest = other.slice();
    for (const direction of basis) subtract(rest, direction, dot(rest, direction));
    const size = Math.sqrt(dot(rest, rest));
    if (size <= negligible * Math.sqrt(dot(other, other))) continue;
    const direction = rest.map((value) => value / size);
    basis.push(direction);
    explained += dot(own, direction) ** 2;
  }
  return explained / total;
}

function center(values: readonly number[]): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Float64Array.from(values, (value) => value - mean);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

function subtract(vector: Float64Array, direction: Float64Array, amount: number): void {
  for (let index = 0; index < vector.length; index++)
    vector[index] = (vector[index] ?? 0) - amount * (direction[index] ?? 0);
}
