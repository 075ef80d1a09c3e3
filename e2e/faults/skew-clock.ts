import { readFileSync, writeFileSync } from 'node:fs';

// Loaded with `--import` before a program of ours: its wall clock is ahead of this machine's by the milliseconds that the
// file KMM_CLOCK_FILE says, and follows it; timers are not touched.
const file = process.env['KMM_CLOCK_FILE'] ?? '';
const LOOK_MS = 100;
const RealDate = Date;
let skewMs = 0;

const look = () => {
  const wantedMs = Number(readFileSync(file, 'utf8'));
  if (wantedMs === skewMs) return;
  skewMs = wantedMs;
  // Whoever sets the clock wants to know that it is set.
  writeFileSync(`${file}.set`, String(skewMs));
};
look();
setInterval(look, LOOK_MS).unref();

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [skewedNow()], self),
  apply: () => new Date().toString(),
  get: (target, key) => (key === 'now' ? skewedNow : Reflect.get(target, key)),
});

function skewedNow(): number {
  return RealDate.now() + skewMs;
}
