// Back and Forward show what was seen. Streamlit replaces the address when a choice changes; here every choice
// that a visitor makes becomes an entry of its own, and going through the entries loads what the address says.
if (!window.lexclipAddress) {
  window.lexclipAddress = true;
  const replace = history.replaceState.bind(history), push = history.pushState.bind(history);
  let acted = false, leaving = 0;
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, (event) => {
      const link = event.target instanceof Element && event.target.closest("a[href]");
      acted = !link;
      leaving = link ? Date.now() : 0;
    }, true);
  }
  // Before it turns to another page, Streamlit adds an entry of the one it leaves, without what was chosen there.
  const stripped = (next) => Date.now() - leaving < 3000 && next.pathname === location.pathname && !next.search;
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    if (stripped(next)) return;
    acted = false;
    leaving = 0;
    push(state, title, url);
  };
  history.replaceState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    if (stripped(next)) return;
    if (acted && next.pathname === location.pathname && next.search !== location.search) {
      acted = false;
      push(state, title, url);
    } else {
      replace(state, title, url);
    }
  };
  addEventListener("popstate", (event) => { event.stopImmediatePropagation(); location.reload(); }, true);
}
