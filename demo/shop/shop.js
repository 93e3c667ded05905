// The shop's own script. It talks to the chat as any site would: by `Portico`, whether that is there yet or not.
self.Portico ??= Object.assign((...call) => Portico.q.push(call), { q: [] });

/** Tells the chat what the visitor looks at; representatives see it beside the conversation. */
const tellPage = () => Portico('context', { page: document.body.dataset.page, title: document.title });

document.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-ask]');
  if (!button) return;
  Portico('prefill', button.dataset.ask);
  Portico('open');
});
tellPage();

// Pages under /app/ are routed in the browser: links swap the body, the document stays.
const inApp = path => path.startsWith('/app/');
let shown = location.pathname;
const visit = async address => {
  shown = new URL(address).pathname;
  const request = new XMLHttpRequest(); // Parses HTML without a sink that Trusted Types would guard.
  request.responseType = 'document';
  request.open('GET', address);
  await new Promise(resolve => {
    request.onload = resolve;
    request.send();
  });
  if (shown != new URL(address).pathname) return; // Somebody was faster.
  const { title, body, documentElement } = request.response;
  document.title = title;
  document.documentElement.lang = documentElement.lang;
  document.documentElement.dir = documentElement.dir;
  document.body.replaceWith(document.adoptNode(body));
  scrollTo(0, 0);
  tellPage();
};
if (inApp(location.pathname)) {
  document.addEventListener('click', event => {
    const link = event.target.closest('a[href]');
    const isPlain = link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button == 0;
    if (!isPlain || link.origin != location.origin || !inApp(link.pathname) || link.hash) return;
    event.preventDefault();
    history.pushState({}, '', link.href);
    visit(link.href);
  });
  // The chat takes steps in the history too, on the same page.
  addEventListener('popstate', () => location.pathname != shown && visit(location.href));
}
