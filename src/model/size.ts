/** Bytes as a person reads them, in powers of a thousand: `812 B`, `41 kB`, `1.4 MB`, `346 MB`, `2.0 GB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    // what would be rounded to 1,000 goes to the next unit
    if (value < 999.5)
      return `${unit === 'B' || unit === 'kB' || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return `${value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US')} TB`;
}
