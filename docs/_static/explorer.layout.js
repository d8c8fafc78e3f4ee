/* The explorer's markup: controls, and the places of what explorer.views.js draws. */
(() => {
  const R = (window.Recurrences ??= {});
  const list = (count, f) => Array.from({ length: count }, (_, i) => f(i)).join("");

  // The value stands in no <output>, which would take the label for itself.
  const slider = (name, text, low, high, step, value) => `
    <label>${text} <span class="value"></span>
      <input type="range" name="${name}" min="${low}" max="${high}" step="${step}" value="${value}"></label>`;

  const view = (name) => `<figure><figcaption></figcaption><div class="${name}" data-view="${name}"></div></figure>`;

  const form = ({ contexts, layers, heads, minimum }) => `<form>
    <fieldset><legend>A sequence</legend>
      ${slider("c", "c", -R.MOST, R.MOST, 0.05, -0.8)}
      ${slider("vectors", "vectors in the context", minimum, contexts, 1, Math.min(5, contexts))}
      ${slider("noise", "noise on every entry", 0, 0.1, 0.005, 0)}
      <button type="button" name="another">Another start and d</button></fieldset>
    <fieldset><legend>Its heads</legend>
      <label>which <select name="chosen">${list(
        layers,
        (l) => `<optgroup label="layer ${l}"><option value="L${l}">all heads of layer ${l}</option>
          ${list(heads, (h) => `<option>L${l}H${h}</option>`)}</optgroup>`,
      )}</select></label>
      ${slider("strength", "strength", 0, 2, 0.1, 1)}
      <button type="button" name="reset">All back to 1</button></fieldset>
    <fieldset><legend>Or one of your own</legend>
      <textarea name="own" rows="5" spellcheck="false" aria-label="Your own sequence, one vector to a line"
        placeholder="one vector to a line:&#10;1 10&#10;2 8&#10;4 4"></textarea></fieldset></form>`;

  const maps = ({ layers, heads }) =>
    list(
      layers,
      (l) => `<button type="button" class="whole" value="L${l}" data-layer="${l}"
        aria-label="all heads of layer ${l}">${l}</button>
        ${list(
          heads,
          (h) => `<button type="button" value="L${l}H${h}" data-layer="${l}" data-head="${h}">
          <canvas></canvas><span></span></button>`,
        )}`,
    );

  const views = (settings) => `<div class="views"><p class="said" role="status"></p>
    <table><thead><tr><th></th><th scope="col">mean square error</th>
      <th scope="col">÷ blind to c</th><th scope="col">implied c</th></tr></thead>
      <tbody data-view="numbers"></tbody></table>
    <p class="legend"><i class="truth">●</i> vectors <i class="truth">○</i> exact <i class="model">◆</i> model
      <i class="intact">□</i> all heads at 1
      <i class="band"></i> c in training: ${R.number(settings.low)} to ${R.number(settings.high)}</p>
    ${view("line")}<div class="pair">${view("weights")}${view("implied")}</div>
    <figure><figcaption></figcaption><div class="attention" data-view="attention" role="group"
      aria-label="heads, moved through by arrow keys">${maps(settings)}</div></figure></div>`;

  /* Fills the explorer's place, and returns the places of the views by name. */
  R.layout = (root, settings) => {
    root.innerHTML = form(settings) + views(settings);
    root.style.setProperty("--heads", settings.heads);
    return Object.fromEntries([...root.querySelectorAll("[data-view]")].map((place) => [place.dataset.view, place]));
  };
})();
