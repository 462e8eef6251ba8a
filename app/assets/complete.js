// The browser's own list of completions for one box; the box may be drawn a moment later than this.
(() => {
  const label = LABEL, words = WORDS, id = "completions";
  let list = document.getElementById(id);
  if (!list) {
    list = document.createElement("datalist");
    list.id = id;
    document.body.appendChild(list);
  }
  if (list.dataset.size !== String(words.length)) {
    list.replaceChildren(...words.map((word) => new Option(word, word)));
    list.dataset.size = String(words.length);
  }
  let tries = 20;
  const attach = () => {
    const box = document.querySelector(`input[aria-label="${label}"]`);
    if (box) box.setAttribute("list", id);
    else if (tries--) setTimeout(attach, 250);
  };
  attach();
})();
