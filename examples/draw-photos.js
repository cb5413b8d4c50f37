// Draws colour pictures of sunsets, houses, trees, balls and textiles, a folder for each kind. Use them as training
// images if you have no photos: node examples/draw-photos.js [FOLDER] [COUNT] [SEED]
import { mkdir } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";

const [WIDTH, HEIGHT] = [96, 72];

/** Returns a generator of random numbers from 0 to 1 (mulberry32). */
function randomNumbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const hsl = (hue, saturation, lightness) => `hsl(${hue}, ${saturation}%, ${lightness}%)`;

/** A rectangle with a vertical gradient from the colour `top` to `bottom`. */
const shade = (id, y, height, top, bottom) => `
  <linearGradient id="${id}" x2="0" y2="1"><stop stop-color="${top}"/>
    <stop offset="1" stop-color="${bottom}"/></linearGradient>
  <rect y="${y}" width="96" height="${height}" fill="url(#${id})"/>`;

/** Functions that return SVG elements. `between(low, high)` draws a random number. */
const KINDS = {
  sunset(between) {
    const [horizon, x, radius] = [between(38, 52), between(20, 76), between(7, 13)];
    const y = horizon - between(-4, 16);
    return `${shade("sky", 0, 72, hsl(between(215, 260), 50, 35), hsl(between(12, 35), 90, 62))}
      <circle cx="${x}" cy="${y}" r="${radius}" fill="${hsl(between(40, 55), 100, 75)}"/>
      ${shade("sea", horizon, 72 - horizon, hsl(20, 60, between(35, 50)), hsl(230, 50, 18))}`;
  },
  house(between) {
    const [x, width, eaves] = [between(16, 34), between(34, 46), between(34, 40)];
    const roof = eaves - between(12, 20);
    return `${shade("sky", 0, 60, hsl(210, 70, between(55, 70)), hsl(205, 60, 88))}
      <rect y="56" width="96" height="16" fill="${hsl(between(85, 125), 45, 38)}"/>
      <rect x="${x}" y="${eaves}" width="${width}" height="${60 - eaves}"
        fill="${hsl(between(25, 50), between(25, 60), 75)}"/>
      <path d="M${x - 5} ${eaves}h${width + 10}L${x + width / 2} ${roof}z" fill="${hsl(between(0, 20), 60, 38)}"/>
      <rect x="${x + width * 0.6}" y="46" width="8" height="14" fill="#432"/>
      <rect x="${x + width * 0.15}" y="44" width="9" height="8" fill="#bdf"/>`;
  },
  tree(between) {
    const [x, crown, top] = [between(34, 62), between(14, 21), between(22, 30)];
    return `${shade("sky", 0, 72, hsl(200, 60, between(70, 82)), hsl(190, 40, 92))}
      <rect y="58" width="96" height="14" fill="${hsl(between(70, 110), 40, between(32, 46))}"/>
      <rect x="${x - 3}" y="${top}" width="7" height="${62 - top}" fill="#5a3d22"/>
      <ellipse cx="${x}" cy="${top}" rx="${crown}" ry="${crown * 0.85}"
        fill="${hsl(between(80, 140), 50, between(25, 40))}"/>`;
  },
  ball(between) {
    const [x, y, radius, hue] = [between(34, 62), between(34, 42), between(16, 24), between(0, 360)];
    return `${shade("wall", 0, 72, hsl(40, 15, between(70, 85)), hsl(40, 20, 60))}
      <ellipse cx="${x + 4}" cy="${y + radius}" rx="${radius}" ry="5" fill="#0005"/>
      <radialGradient id="ball" cx=".35" cy=".3"><stop stop-color="${hsl(hue, 90, 85)}"/>
        <stop offset="1" stop-color="${hsl(hue, 85, 32)}"/></radialGradient>
      <circle cx="${x}" cy="${y}" r="${radius}" fill="url(#ball)"/>`;
  },
  textile(between) {
    const [hue, size, angle] = [between(0, 360), between(14, 22), between(-20, 20)];
    return `<pattern id="cloth" width="${size}" height="${size}" patternUnits="userSpaceOnUse"
        patternTransform="rotate(${angle})"><rect width="${size}" height="${size}" fill="${hsl(hue, 55, 75)}"/>
        <rect width="${size / 2}" height="${size}" fill="${hsl(hue, 60, 45)}"/>
        <rect width="${size}" height="${size / 2}" fill="${hsl(hue + 40, 60, 40)}" fill-opacity=".6"/></pattern>
      <rect width="96" height="72" fill="url(#cloth)"/>`;
  },
};

async function main([folder = "photos", count = "200", seed = "0"]) {
  if (folder.startsWith("-")) throw new Error("Usage: node examples/draw-photos.js [FOLDER] [COUNT] [SEED]");
  const random = randomNumbers(Number(seed));
  const between = (low, high) => low + (high - low) * random();
  const kinds = Object.keys(KINDS);
  for (let i = 0; i < Number(count); i++) {
    const kind = kinds[i % kinds.length];
    const content = KINDS[kind](between);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}">${content}</svg>`;
    await mkdir(path.join(folder, kind), { recursive: true });
    await sharp(Buffer.from(svg))
      .removeAlpha()
      .png()
      .toFile(path.join(folder, kind, `${kind}-${i}.png`));
  }
  console.log(`${count} pictures in ${folder}`);
}

await main(process.argv.slice(2));
