/* What is seen of one prediction: the line, the weights, the implied c, the attention of all heads, and the numbers. */
(() => {
  const R = (window.Recurrences ??= {});
  const MOST = 1.5; // of |c|, in sequences that are drawn
  const around = (values, share = 0.08) => {
    const low = Math.min(...values),
      high = Math.max(...values),
      room = share * (high - low) || 1;
    return [low - room, high + room];
  };
  const caption = (place, text) => (place.previousElementSibling.textContent = text);
  const upTo = (n) => Array.from({ length: n }, (_, i) => i + 1);

  /* Places on the sequence's line, the first vector at 0 and the second at 1. */
  function placing(rows) {
    const away = rows.map((row) => R.add(row, rows[0], -1)),
      sizes = away.map((one) => R.dot(one, one));
    const most = Math.max(...sizes),
      k = sizes[1] > 1e-6 * most ? 1 : sizes.indexOf(most);
    return (vector) => R.dot(R.add(vector, rows[0], -1), away[k]) / sizes[k];
  }

  function line(place, { rows, next, nextName, fixed, now, intact }) {
    const at = placing(rows),
      n = rows.length,
      early = (out) => out.predictions.slice(2).map(at);
    const seen = rows.map(at),
      truth = at(next),
      guesses = early(now),
      others = intact ? early(intact) : [];
    const y = around([...seen, truth, ...guesses, ...others]);
    const chart = R.chart(place, {
      x: [0.5, n + 1.5],
      y,
      xTitle: "vector",
      yTitle: "place on the line",
      xTicks: upTo(n + 1),
    });
    if (fixed && at(fixed) > y[0] && at(fixed) < y[1]) chart.level("fixed", at(fixed), "fixed point");
    chart.line(
      "truth",
      [...seen, truth].map((v, i) => [i + 1, v]),
    );
    seen.forEach((v, i) => chart.mark("truth", "circle", i + 1, v));
    chart.mark("truth open", "circle", n + 1, truth, 6.5);
    others.forEach((v, i) => chart.mark("intact open", "square", i + 4, v, i === others.length - 1 ? 5.5 : 3));
    guesses.forEach((v, i) => chart.mark("model", "diamond", i + 4, v, i === guesses.length - 1 ? 5 : 2.8));
    const said = `Vector ${n + 1} on the line of all: the model ${R.number(guesses.at(-1))}, ${nextName} ${R.number(truth)}`;
    caption(place, said);
    chart.show(said);
  }

  function weights(place, { now, exactC }) {
    const found = now.weights,
      n = found.length,
      exact = found.map((_, i) => (i === n - 1 ? 1 + exactC : i === n - 2 ? -exactC : 0));
    const y = around([0, ...found, ...exact]);
    const chart = R.chart(place, { x: [0.4, n + 0.6], y, xTitle: "vector", yTitle: "weight", xTicks: upTo(n) });
    found.forEach((w, i) => chart.bar("model", i + 1, w));
    chart.level("axis", 0);
    exact.forEach((w, i) => chart.mark("truth open", "circle", i + 1, w, 3.5));
    const said = `Weights on vectors: sum ${R.number(found.reduce((a, b) => a + b))}`;
    caption(place, said);
    chart.show(`${said}; of vectors 1 to ${n}: ${found.map((w) => R.number(w, 2)).join(", ")}`);
  }

  function implied(place, { trueC, now, curves, settings }) {
    const box = [-MOST - 0.1, MOST + 0.1],
      inside = ([, v]) => v > box[0] && v < box[1];
    const ends = [-MOST, -1, -0.5, 0, 0.5, 1, MOST];
    const chart = R.chart(place, {
      x: box,
      y: box,
      xTitle: "true c",
      yTitle: "implied c",
      xTicks: ends,
      yTicks: [-1, 0, 1],
    });
    chart.band("trained", settings.low, settings.high);
    chart.line("truth", [
      [-MOST, -MOST],
      [MOST, MOST],
    ]);
    for (const kind of ["intact", "model"])
      for (const side of [-1, 1])
        chart.line(
          kind,
          (curves[kind] ?? []).filter((one) => side * one[0] > 0 && inside(one)),
        );
    const { c, told } = now.implied;
    if (told && inside([0, c]) && Math.abs(trueC) <= MOST) chart.mark("model", "diamond", trueC, c, 5);
    const said = `Implied c: ${told ? R.number(c) : "not told"}, true: ${R.number(trueC)}`;
    caption(place, said);
    chart.show(said);
  }

  /* Three numbers of each guess: of the model, with heads changed, and of the best rule blind to c. */
  function numbers(place, { rows, next, now, intact, blind }) {
    const unit = R.square(blind, next),
      guesses = intact ? { "all heads at 1": intact, "with heads changed": now } : { "the model": now };
    const cells = Object.entries(guesses).map(([name, { predictions, implied }]) => {
      const error = R.square(predictions.at(-1), next);
      return [name, R.number(error), R.number(error / unit), implied.told ? R.number(implied.c) : "not told"];
    });
    cells.push(["best rule blind to c", R.number(unit), "1", "–"]);
    place.innerHTML = cells
      .map(([name, ...row]) => `<tr><th scope="row">${name}</th>${row.map((x) => `<td>${x}</td>`).join("")}</tr>`)
      .join("");
  }

  /* One small map to each head; ``chosen`` is a head's or a layer's name. */
  function attention(place, { rows, now, strengths, settings }, chosen) {
    const n = rows.length;
    for (const button of place.querySelectorAll("button")) {
      const { layer, head } = button.dataset,
        strength = head ? strengths[layer][head] : null;
      button.setAttribute("aria-pressed", String(button.value === chosen));
      if (!head) continue;
      const share = now.pattern(+layer, +head),
        last = upTo(n).map((_, j) => share(n - 1, j));
      const most = last.indexOf(Math.max(...last));
      R.shades(button.querySelector("canvas"), n, share);
      button.classList.toggle("changed", strength !== 1);
      button.querySelector("span").textContent = strength === 1 ? "" : `×${R.number(strength)}`;
      const looks = `vector ${n} attends most to vector ${most + 1} (${R.number(last[most], 2)})`;
      button.title = `${button.value}, strength ${R.number(strength)}: ${looks}`;
      button.setAttribute("aria-label", button.title);
    }
    const changed = strengths.flat().filter((one) => one !== 1).length;
    const said = changed ? `${changed} of ${settings.layers * settings.heads} heads changed` : "click to choose one";
    caption(place, `Attention of all heads, by layer and head: ${said}`);
  }

  function draw(places, state, chosen) {
    line(places.line, state);
    weights(places.weights, state);
    implied(places.implied, state);
    numbers(places.numbers, state);
    attention(places.attention, state, chosen);
  }

  Object.assign(R, { draw, drawImplied: (places, state) => implied(places.implied, state), MOST });
})();
