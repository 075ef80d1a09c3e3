/** Loaded with `--import` before a program of ours: its wall clock is KMM_CLOCK_SKEW_MS ahead; timers are not touched. */
const skewMs = Number(process.env['KMM_CLOCK_SKEW_MS']);
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, self) => Reflect.construct(target, args.length > 0 ? args : [skewedNow()], self),
  apply: () => new Date().toString(),
  get: (target, key) => (key === 'now' ? skewedNow : Reflect.get(target, key)),
});

function skewedNow(): number {
  return RealDate.now() + skewMs;
}
