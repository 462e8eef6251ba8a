// Draws one triple: a guess, then an axis of nearness, and a dial from before to after. No request is made.
export default function (component) {
  const ROOM = 12;  // pixels that a name may stand beyond an end of the axis
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".lexdial");
  const of = (name) => root.querySelector("." + name);
  const [ask, guess, shown, axis, dial, say] = ["ask", "guess", "shown", "axis", "dial", "say"].map(of);
  const id = [data.word, data.synonym, data.antonym, data.near, data.far].join("|");
  if (root.dataset.drawn === id) return;
  root.dataset.drawn = id;

  const element = (tag, cls, text) => {
    const one = document.createElement(tag);
    if (cls) one.className = cls;
    if (text !== undefined) one.textContent = text;
    return one;
  };
  const number = (value) => value.toFixed(2).replace("-", "\u2212");
  const at = (value) => (100 * (value - data.low)) / (1 - data.low);

  ask.replaceChildren("Which of these does it put nearer to ", element("b", "", data.word), "?");
  axis.replaceChildren(element("div", "line"));
  const point = (cls, name, color) => {
    const one = element("div", "point " + cls), mark = element("span", "mark"), label = element("span", "name");
    if (color) mark.style.background = color;
    label.append(name, element("br"), element("small"));
    one.append(mark, label);
    axis.append(one);
    return one;
  };
  const near = point("synonym", data.synonym, data.colors.synonym);
  const far = point("antonym", data.antonym, data.colors.antonym);
  const itself = point("itself", data.word);
  itself.style.left = "100%";
  itself.querySelector("small").textContent = "the word";
  for (const [cls, place, text] of [["first", 0, "far: " + number(data.low)], ["last", 100, "near: 1.00"]]) {
    const tick = element("span", "tick " + cls, text);
    tick.style.left = place + "%";
    axis.append(tick);
  }

  const show = () => {
    const place = Number(dial.value);
    for (const [one, values, what] of [[near, data.near, "same meaning"], [far, data.far, "opposite"]]) {
      one.style.left = at(values[place]) + "%";
      one.querySelector("small").textContent = what + ", " + number(values[place]);
      const name = one.querySelector(".name"), half = name.offsetWidth / 2, x = (at(values[place]) / 100) * axis.clientWidth;
      const inside = Math.max(half - x - ROOM, 0) - Math.max(x + half - axis.clientWidth - ROOM, 0);
      name.style.transform = `translateX(calc(-50% + ${inside}px))`;
      const own = axis.clientWidth - itself.querySelector(".name").offsetWidth;
      if (one === near) one.classList.toggle("raised", x + half + inside > own);  // else it lies on the word's own name
    }
    axis.setAttribute("aria-label", `Nearness to ${data.word}: ${data.synonym} ${number(data.near[place])}, ` +
      `${data.antonym} ${number(data.far[place])}, of 1 at most.`);
    say.textContent = data.sentences[place];
    dial.setAttribute("aria-valuetext", data.sentences[place]);
  };
  const reveal = (guessed) => {
    guess.hidden = true;
    guess.style.display = "none";
    shown.hidden = false;
    dial.value = 0;
    show();
    if (guessed) {
      const nearest = data.far[0] >= data.near[0] ? data.antonym : data.synonym;
      say.textContent = (guessed === nearest ? "Yes. " : "No. ") + data.sentences[0] + " Now turn the dial.";
      dial.focus({ preventScroll: true });
    }
  };
  dial.max = data.positions.length - 1;
  of("turn").style.display = data.positions.length < 2 ? "none" : "";  // only before is known
  dial.oninput = show;
  guess.style.display = "";
  guess.hidden = false;
  shown.hidden = true;
  const both = [data.synonym, data.antonym].sort();
  guess.replaceChildren(...both.map((name) => {
    const button = element("button", "", name);
    button.type = "button";
    button.onclick = () => reveal(name);
    return button;
  }));
  if (data.revealed) reveal("");
}
