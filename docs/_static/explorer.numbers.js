/* Sequences: drawn ones, and one's own in the model's units, as in helpers/data (recurrences, fitting, userdata). */
(() => {
  const R = (window.Recurrences ??= {});
  const GRID = Array.from({ length: 201 }, (_, i) => -2.5 + i / 40);
  const SHARE = 0.25,
    EXACT = 1e-3,
    DIGITS = 7,
    EDGE = 1e-3; // as in helpers/data/fitting.py and helpers/analysis/suitability.py

  const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const add = (a, b, by = 1) => a.map((x, i) => x + by * b[i]);
  const times = (a, by) => a.map((x) => by * x);
  const largest = (rows) => Math.max(...rows.flat().map(Math.abs));
  const mean = (rows) =>
    times(
      rows.reduce((a, b) => add(a, b)),
      1 / rows.length,
    );
  const square = (a, b) => a.reduce((sum, x, i) => sum + (x - b[i]) ** 2, 0) / a.length;

  /* Standard normal numbers from a seed: xorshift (Marsaglia 2003), then Box and Muller. */
  function normals(seed) {
    let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
    const uniform = () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return ((state >>> 0) + 0.5) / 2 ** 32;
    };
    for (let i = 0; i < 20; i++) uniform();
    const one = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    return (count) => Array.from({ length: count }, one);
  }

  /* A recurrence as in training: c given, a_0 and d standard normal, the largest entry of n_ctx + 1 vectors 1. */
  function drawn({ c, noise, seed }, settings) {
    const draw = normals(seed),
      length = settings.contexts + 1;
    const rows = [draw(settings.dimension)],
      step = draw(settings.dimension);
    while (rows.length < length) rows.push(add(times(rows.at(-1), c), step));
    const scale = largest(rows);
    const fixed = Math.abs(1 - c) > 1e-9 ? times(step, 1 / (1 - c) / scale) : null;
    return { rows: rows.map((row) => add(times(row, 1 / scale), draw(row.length), noise)), fixed };
  }

  const sums = (c, length) => {
    const found = [0];
    for (let n = 1, power = 1; n < length; n++, power *= c) found.push(found[n - 1] + power);
    return found;
  };
  const centred = (s) => s.map((x) => x - s.reduce((a, b) => a + b) / s.length);

  function slopes(c, rows) {
    const s = centred(sums(c, rows.length)),
      size = dot(s, s);
    return { s, slope: rows[0].map((_, i) => rows.reduce((sum, row, n) => sum + s[n] * row[i], 0) / size) };
  }

  function squares(c, rows) {
    const { s, slope } = slopes(c, rows);
    return rows.reduce((sum, row, n) => sum + row.reduce((a, x, i) => a + (x - s[n] * slope[i]) ** 2, 0), 0);
  }

  function solveC(rows) {
    const steps = rows.slice(1).map((row, n) => add(row, rows[n], -1));
    const [next, now] = [steps.slice(1), steps.slice(0, -1)];
    const size = now.reduce((sum, step) => sum + dot(step, step), 0);
    return size > 0 ? now.reduce((sum, step, n) => sum + dot(step, next[n]), 0) / size : 0;
  }

  function least(f, low, high) {
    const golden = (Math.sqrt(5) - 1) / 2;
    let a = high - golden * (high - low),
      b = low + golden * (high - low),
      fa = f(a),
      fb = f(b);
    while (high - low > 1e-10) {
      if (fa < fb) (([high, b, fb, a] = [b, a, fa, b - golden * (b - low)]), (fa = f(a)));
      else (([low, a, fa, b] = [a, b, fb, a + golden * (high - a)]), (fb = f(b)));
    }
    return (low + high) / 2;
  }

  /* The standard deviation that rounding to the digits of the numbers gives them. */
  function rounding(rows) {
    const size = largest(rows);
    for (let places = -2; places < 16; places++) {
      const step = 10 ** -places;
      if (size >= step * 10 ** DIGITS) return 0;
      if (rows.flat().every((x) => Math.abs(x - Math.round(x / step) * step) <= 1e-9 * step + 4e-16 * size))
        return step / Math.sqrt(12);
    }
    return 0;
  }

  /* The affine recurrence that fits best: its c with the ends of a 95 % interval, what it leaves, its curve. */
  function fit(given, length, student) {
    const middle = mean(given),
      shifted = given.map((row) => add(row, middle, -1));
    const size = largest(shifted) || 1,
      rows = shifted.map((row) => times(row, 1 / size));
    const grid = [...GRID, solveC(rows)].sort((a, b) => a - b),
      left = (c) => squares(c, rows);
    const errors = grid.map(left),
      best = errors.indexOf(Math.min(...errors));
    const found = least(left, grid[Math.max(best - 1, 0)], grid[Math.min(best + 1, grid.length - 1)]);
    const c = left(found) < errors[best] ? found : grid[best];
    const { slope } = slopes(c, rows),
      count = rows.length,
      all = sums(c, Math.max(length, count));
    const offset = sums(c, count).reduce((a, b) => a + b) / count;
    const curve = all.map((s) => add(middle, slope, size * (s - offset)));
    const freedom = count * rows[0].length - 2 * rows[0].length - 1;
    const residual = freedom ? size * Math.sqrt(left(c) / freedom) : 0;
    let digits = rounding(given);
    if (freedom && residual < EXACT * digits) digits = 0;
    const told = freedom > 0 && residual >= digits;
    const half = halfInterval(c, count, Math.sqrt(dot(slope, slope)) * size, told ? residual : digits);
    const wide = (told && student[freedom - 1]) || 1.96;
    return { c, low: c - wide * half, high: c + wide * half, residual, curve };
  }

  /* Noise over how much the curve moves with c where its two vectors do not make up for it. */
  function halfInterval(c, count, slope, noise) {
    const [before, at, after] = [c - 1e-5, c, c + 1e-5].map((one) => centred(sums(one, count)));
    const moved = times(add(after, before, -1), 1 / 2e-5),
      along = dot(moved, at) / dot(at, at);
    const own = Math.sqrt(Math.max(dot(moved, moved) - along * dot(moved, at), 0)) * slope;
    return own > 0 ? noise / own : Infinity;
  }

  /* What is wrong with a sequence for this model, in a sentence; "" if nothing is. */
  function unsuited(found, rows, settings) {
    const middle = mean(rows).reduce((a, b) => a + b) / rows[0].length,
      size = rows.flat().length;
    const deviation = Math.sqrt(rows.flat().reduce((sum, x) => sum + (x - middle) ** 2, 0) / size);
    if (found.residual > Math.max(SHARE * deviation, 3 * rounding(rows))) {
      const share = Math.round((100 * found.residual) / deviation);
      const best = `the recurrence that fits best (c = ${R.number(found.c)})`;
      return `This is not affine: ${best} leaves ${share} % of its standard deviation.`;
    }
    return found.high < settings.low - EDGE || found.low > settings.high + EDGE
      ? outside(found.c, rows[0].length, settings)
      : "";
  }

  /* That c is none of those in training, and which shipped model was trained on it. */
  function outside(c, width, settings) {
    const { low, high, name } = settings;
    if (c >= low - EDGE && c <= high + EDGE) return "";
    const other = settings.shipped.find((one) => one.low <= c && c <= one.high && width <= one.dimension);
    const known = other ? `the shipped model ${other.name} was trained on it` : "no shipped model was trained on it";
    return `c = ${R.number(c)} is outside the ${R.number(low)} to ${R.number(high)} that ${name} was trained on; ${known}.`;
  }

  /* Orthonormal vectors from any, by Gram and Schmidt, twice; those that others make up are left out. */
  function orthonormal(vectors) {
    const basis = [];
    for (const vector of vectors) {
      let rest = vector;
      for (const one of [...basis, ...basis]) rest = add(rest, one, -dot(rest, one));
      const size = Math.sqrt(dot(rest, rest));
      if (size > 1e-9 * Math.sqrt(dot(vector, vector))) basis.push(times(rest, 1 / size));
    }
    return basis;
  }

  /* One's own rows by a random affine map among the sequences of the training, and the way back. */
  function toModel(rows, found, seed, settings) {
    const draw = normals(seed),
      { dimension, contexts } = settings,
      origin = rows[0];
    const turn = orthonormal(origin.map(() => draw(dimension))); // one direction for each entry
    const turned = (row) => add(row, origin, -1).reduce((sum, x, i) => add(sum, turn[i], x), Array(dimension).fill(0));
    const whole = [...rows, ...found.curve.slice(rows.length, contexts + 1)].map(turned);
    const x = whole[1],
      q = (found.c - 1) ** 2 + 1,
      chance = draw(dimension);
    const unit = Math.sqrt(dot(x, x) / (q * dot(chance, chance)));
    const start = add(times(x, (found.c - 1) / q), draw(dimension), unit / Math.sqrt(q));
    const scale = largest(whole.map((row) => add(row, start)));
    return {
      there: (row) => times(add(turned(row), start), 1 / scale),
      back: (vector) => {
        const moved = add(times(vector, scale), start, -1);
        return origin.map((x, i) => x + dot(moved, turn[i]));
      },
    };
  }

  /* The c that a prediction implies (helpers/analysis/effects.py), and whether it is told: a step as small as the
     model's own error says nothing of c. */
  function implied(prediction, rows, error) {
    const present = rows.at(-1),
      step = add(present, rows.at(-2), -1);
    const [pp, pq, qq] = [dot(present, present), dot(present, step), dot(step, step)];
    const [py, qy] = [dot(present, prediction), dot(step, prediction)],
      own = pp ? qq - pq ** 2 / pp : 0;
    const told = Math.sqrt(Math.max(own, 0) / step.length) > error;
    return { told, c: (pp * qy - pq * py) / (qq * py - pq * qy) };
  }

  Object.assign(R, {
    dot,
    add,
    times,
    square,
    normals,
    drawn,
    fit,
    unsuited,
    outside,
    toModel,
    orthonormal,
    implied,
    solveC,
  });
  /* A number in so many digits, with a true minus; small ones by their power of ten. */
  R.number = (x, digits = 3) => {
    const small = x !== 0 && Math.abs(x) < 1e-3;
    return (small ? x.toExponential(digits - 1) : String(+x.toPrecision(digits))).replaceAll("-", "−");
  };
})();
