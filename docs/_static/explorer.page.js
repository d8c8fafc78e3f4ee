/* The explorer's page: it loads when it comes into view, and draws anew whatever is moved. */
(() => {
  const R = (window.Recurrences ??= {});
  const AFTER = 250; // ms without a move, after which the curve of the implied c is drawn
  const SWEPT = [-1, 1]
    .flatMap((side) => Array.from({ length: 14 }, (_, i) => side * (0.2 + 0.1 * i)))
    .sort((a, b) => a - b);

  class Explorer {
    constructor(root, { settings, run }) {
      Object.assign(this, { root, settings, run, seed: 0, chosen: "L0", count: 0, busy: false, kept: {} });
      this.strengths = Array.from({ length: settings.layers }, () => Array(settings.heads).fill(1));
      this.places = R.layout(root, settings);
      this.form = root.querySelector("form").elements;
      this.said = root.querySelector(".said");
      this.listen();
      this.move();
    }

    listen() {
      const { form, places } = this,
        maps = [...places.attention.querySelectorAll("button")];
      this.root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
      for (const name of ["c", "vectors", "noise", "own"]) form[name].addEventListener("input", () => this.move());
      form.another.addEventListener("click", () => (this.seed++, this.move()));
      form.chosen.addEventListener("change", () => this.choose(form.chosen.value));
      form.strength.addEventListener("input", () => {
        for (const [l, h] of this.heads()) this.strengths[l][h] = +form.strength.value;
        this.move();
      });
      form.reset.addEventListener("click", () => {
        this.strengths.forEach((row) => row.fill(1));
        this.choose(this.chosen);
      });
      maps.forEach((button, i) => {
        button.tabIndex = i ? -1 : 0;
        button.addEventListener("click", () => this.choose(button.value));
        button.addEventListener("keydown", (event) => {
          const by = {
            ArrowRight: 1,
            ArrowLeft: -1,
            ArrowDown: this.settings.heads + 1,
            ArrowUp: -this.settings.heads - 1,
          }[event.key];
          if (!by || !maps[i + by]) return;
          event.preventDefault();
          button.tabIndex = -1;
          maps[i + by].tabIndex = 0;
          maps[i + by].focus();
        });
      });
      let width = 0;
      new ResizeObserver(() => {
        if (this.state && width !== this.root.clientWidth) this.show();
        width = this.root.clientWidth;
      }).observe(this.root);
      new MutationObserver(() => this.state && this.show()).observe(document.documentElement, {
        attributeFilter: ["data-theme"],
      });
    }

    /* The chosen heads, as pairs of layer and head. */
    heads() {
      const [, layer, head] = this.chosen.match(/^L(\d+)(?:H(\d+))?$/).map(Number);
      return Number.isNaN(head) ? this.strengths[layer].map((_, h) => [layer, h]) : [[layer, head]];
    }

    choose(name) {
      this.chosen = this.form.chosen.value = name;
      const [[layer, head]] = this.heads();
      this.form.strength.value = this.strengths[layer][head];
      this.move();
    }

    values() {
      const { form, settings } = this,
        c = +form.c.value,
        vectors = +form.vectors.value,
        noise = +form.noise.value;
      const named = { c: R.number(c), vectors, noise: R.number(noise), strength: R.number(+form.strength.value) };
      for (const [name, text] of Object.entries(named))
        form[name].closest("label").querySelector(".value").textContent = text;
      return { c, vectors, noise, seed: this.seed, settings };
    }

    /* What to look at: rows in the model's units, the next one, and what has to be said of them. */
    example(asked) {
      const { form, settings } = this,
        text = form.own.value;
      form.c.disabled = form.noise.disabled = Boolean(text.trim());
      if (!text.trim()) {
        const { rows, fixed } = R.drawn(asked, settings),
          said = R.outside(asked.c, settings.dimension, settings);
        return {
          rows: rows.slice(0, asked.vectors),
          next: rows[asked.vectors],
          nextName: "the truth",
          trueC: asked.c,
          fixed,
          said,
        };
      }
      const { rows: all, understood } = R.read(text, settings),
        given = all.slice(0, asked.vectors);
      const found = R.fit(given, settings.contexts + 1, settings.student),
        map = R.toModel(given, found, asked.seed, settings);
      const rows = given.map(map.there),
        solved = R.solveC(rows);
      const next = all[given.length]
        ? map.there(all[given.length])
        : R.add(rows.at(-1), R.add(rows.at(-1), rows.at(-2), -1), solved);
      const wrong = R.unsuited(found, given, settings);
      const said = [
        `${understood}.`,
        given.length < all.length ? `The model sees the first ${given.length}.` : "",
        wrong && `${wrong} What follows is shown all the same.`,
      ];
      return {
        rows,
        next,
        nextName: all[given.length] ? "yours" : "the exact solver",
        trueC: found.c,
        said: said.filter(Boolean).join(" "),
        back: map.back,
      };
    }

    /* Draws what the controls say; moves that come while it is at it are drawn once, after it. */
    async move() {
      this.count++;
      if (this.busy) return;
      this.busy = true;
      for (let seen = 0; seen !== this.count;) {
        seen = this.count;
        const began = performance.now();
        try {
          await this.look(this.values());
          this.root.dataset.ms = (performance.now() - began).toFixed(1);
        } catch (error) {
          this.refuse(error instanceof R.Refused ? error.message : `This could not be computed (${error.message}).`);
        }
        this.root.dataset.moves = seen;
      }
      this.busy = false;
      clearTimeout(this.later);
      this.later = setTimeout(() => this.sweep(this.count), AFTER);
    }

    async predict(rows, strengths) {
      const { settings } = this,
        random = R.normals(1)(settings.dimension);
      const direction = R.orthonormal([...rows, random]).at(-1); // at right angles to all vectors
      const out = await this.run(rows, strengths, direction);
      return { ...out, direction, implied: R.implied(out.predictions.at(-1), rows, settings.error) };
    }

    async look(asked) {
      const { settings } = this,
        strengths = this.strengths.map((row) => [...row]),
        example = this.example(asked);
      const { rows } = example,
        n = rows.length,
        changed = strengths.flat().some((one) => one !== 1),
        ones = strengths.map((row) => row.map(() => 1));
      const key = JSON.stringify(rows),
        now = await this.predict(rows, strengths);
      if (changed && this.kept.key !== key) this.kept = { key, out: await this.predict(rows, ones) };
      if (!changed) this.kept = { key, out: now };
      const blind = rows.reduce(
        (sum, row, i) => R.add(sum, row, settings.blind[n - 1][i]),
        Array(settings.dimension).fill(0),
      );
      this.state = {
        ...example,
        exactC: example.trueC,
        settings,
        strengths,
        now,
        intact: changed ? this.kept.out : null,
        blind,
        curves: {},
      };
      this.say(
        [example.said, this.answer(), this.ahead()].filter(Boolean).join(" "),
        Boolean(example.said && !example.back),
      );
      this.show();
      this.root.explored = this.state; // for whoever asks in the console, and for tests
    }

    /* The prediction of one's own sequence in its own units. */
    answer() {
      const { back, rows, now } = this.state;
      if (!back) return "";
      const row = back(now.predictions.at(-1)).map((x) => R.number(x, 4)),
        shown = row.slice(0, 6).join(", ");
      return `Row ${rows.length + 1} is predicted to be ${shown}${row.length > 6 ? ", …" : ""}.`;
    }

    /* Late in a sequence a rule that knows no c is nearly exact. */
    ahead() {
      const { rows, next, now, blind, intact } = this.state;
      const first = !intact && R.square(now.predictions.at(-1), next) > R.square(blind, next);
      return first ? `With ${rows.length} vectors a rule that knows no c is ahead of the model.` : "";
    }

    say(text, warning = false) {
      this.said.textContent = text;
      this.said.classList.toggle("warning", warning);
    }

    refuse(text) {
      this.say(text, true);
      this.root.dataset.state = "refused";
    }

    show() {
      R.draw(this.places, this.state, this.chosen);
      this.root.dataset.state = "ready";
    }

    /* The implied c for other values of c, one after another, until something is moved. */
    async sweep(count) {
      const { state } = this,
        asked = this.values();
      if (state.back || this.root.dataset.state !== "ready") return;
      const kinds = {
        ...(state.intact && { intact: state.strengths.map((row) => row.map(() => 1)) }),
        model: state.strengths,
      };
      for (const [kind, strengths] of Object.entries(kinds))
        for (const c of SWEPT) {
          const rows = R.drawn({ ...asked, c }, this.settings).rows.slice(0, asked.vectors);
          const { implied } = await this.predict(rows, strengths);
          if (count !== this.count) return;
          if (implied.told) (state.curves[kind] ??= []).push([c, implied.c]);
          R.drawImplied(this.places, state);
          await new Promise((done) => setTimeout(done));
        }
      this.root.dataset.swept = count;
    }
  }

  async function open(root) {
    if (root.dataset.state) return;
    root.dataset.state = "loading";
    const text = root.querySelector(".before");
    text.textContent = `Loading ${root.dataset.size} …`;
    try {
      const engine = await R.engine();
      new Explorer(root, engine);
    } catch (error) {
      root.dataset.state = "failed";
      text.textContent = `The explorer could not start (${error.message}). “make explorer” shows the same in a notebook.`;
    }
  }

  for (const root of document.querySelectorAll(".explorer")) {
    root.querySelector("button").addEventListener("click", () => open(root));
    const seen = new IntersectionObserver(
      (entries) => entries.some((one) => one.isIntersecting) && (seen.disconnect(), open(root)),
      { threshold: 0.2 },
    );
    if (!navigator.connection?.saveData) seen.observe(root);
  }
})();
