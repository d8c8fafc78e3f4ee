// A quick check is a list of choices, **a**, **b**, …, and after it a folded answer that begins with the right one's
// letter in bold. Here the choices become buttons; without this script the list and the folded answer stay as they are.
document.addEventListener("DOMContentLoaded", () => {
  for (const answer of document.querySelectorAll("details")) {
    const right = answer.querySelector(":scope > summary + b")?.textContent;
    const list = answer.previousElementSibling;
    if (!right || list?.tagName !== "UL") continue;
    const said = document.createElement("p");
    said.setAttribute("role", "status");
    for (const choice of list.children) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...(choice.querySelector("p") ?? choice).childNodes);
      choice.replaceChildren(button);
      button.addEventListener("click", () => {
        const isRight = button.querySelector("strong").textContent === right;
        button.className = isRight ? "right" : "wrong";
        said.textContent = isRight ? "✓ Right." : "✗ Not this one. Try another.";
        answer.open ||= isRight;
      });
    }
    list.classList.add("quick-check");
    list.after(said);
  }
});
