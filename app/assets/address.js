// Back and Forward show what was seen. Streamlit replaces the address when a choice changes; here every choice
// that a visitor makes becomes an entry of its own, and going through the entries loads what the address says.
if (!window.lexclipAddress) {
  window.lexclipAddress = true;
  const replace = history.replaceState.bind(history), push = history.pushState.bind(history);
  let acted = false, leaving = { at: 0, path: "" };
  for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, (event) => {
      const link = event.target instanceof Element && event.target.closest("a[href]");
      acted = !link;
      leaving = link ? { at: Date.now(), path: link.pathname } : { at: 0, path: "" };
    }, true);
  }
  // Before it turns to another page, Streamlit adds an entry of the one it leaves, without what was chosen there,
  // or with what was asked of the other.
  const stripped = (next) => Date.now() - leaving.at < 3000 && next.pathname === location.pathname &&
    (!next.search || leaving.path !== location.pathname);
  history.pushState = (state, title, url) => {
    const next = new URL(url ?? location.href, location.href);
    if (stripped(next)) return;
    acted = false;
    leaving.at = 0;
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
  const find = (selector) => document.querySelector(selector);
  const within = (event, selector) => event.target instanceof Element && event.target.closest(selector);
  // On a phone the sidebar lies over the page, and would stay there once a link in it was followed.
  addEventListener("click", (event) => {
    if (innerWidth <= 768 && within(event, "[data-testid=stSidebar] a[href]"))
      find("[data-testid=stSidebarCollapseButton] button")?.click();
  });
  // What is saved is made when it is asked for, from what the page drew last: while it is drawn anew there is
  // nothing to make it from, and Streamlit would answer that the file is not found.
  const idle = () => find("[data-test-script-state=notRunning]");
  addEventListener("click", (event) => {
    const asked = within(event, ".st-key-save_html button") ? ".st-key-save_html button" :
      within(event, ".st-key-save_csv button") && ".st-key-save_csv button";
    if (!asked || idle()) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const wait = setInterval(() => {
      if (!idle()) return;
      clearInterval(wait);
      find(asked)?.click();
    }, 100);
  }, true);
  addEventListener("popstate", (event) => { event.stopImmediatePropagation(); location.reload(); }, true);
}
