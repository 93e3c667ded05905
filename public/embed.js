// Portico's loader: a launcher on the page, and the chat in a frame once somebody opens it. Until then it
// stores nothing, asks for nothing and listens to nothing but its own button. embed.d.ts says how a page
// talks to it. The build minifies it and puts the paths of the chat's static files in.
(() => {
  const page = document, root = page.documentElement;
  const tag = page.currentScript ?? page.querySelector('script[data-brand][src*="/embed.js"]');
  const early = self.Portico;
  if (!tag || early?.mount) return; // Mounted already: once is enough.

  const { brand, dir, label, language, launcher, theme, ...tokens } = tag.dataset;
  const chat = new URL(tag.src).origin;
  const locale = language || root.lang || navigator.language;
  const [word, close] = {
    ar: ['محادثة', 'إغلاق'],
    de: ['Chat', 'Schließen'],
    es: ['Chat', 'Cerrar'],
  }[locale.slice(0, 2)] ?? ['Chat', 'Close'];
  const title = label || word;
  const narrow = '(max-width:480px),(max-height:480px)'; // There the panel is a sheet over the whole screen.

  const style = new CSSStyleSheet();
  style.replaceSync(`
:host{all:initial;color-scheme:light dark;font:600 15px system-ui;--_brand:var(--portico-color,#1d2939);--_surface:light-dark(#fff,#16181d)}
:host(portico-launcher){display:flex;justify-content:var(--portico-side,end);position:fixed;z-index:var(--portico-layer,2147483000);inset:auto 0 0;padding:var(--portico-offset,20px);pointer-events:none}
:host(portico-chat){display:grid;place-items:center;position:relative;height:640px;border-radius:16px;box-shadow:0 0 0 1px #8883}
*{box-sizing:border-box}
button,a{all:unset;cursor:pointer;pointer-events:auto}
.go{display:flex;align-items:center;gap:10px;position:relative;padding:16px;border-radius:28px;background:var(--_brand);color:oklch(from var(--_brand) calc((.7 - l)*99) 0 0);box-shadow:0 1px 3px #0004,0 6px 20px #0003}
:focus-visible{outline:3px solid var(--_brand);outline-offset:2px;box-shadow:0 0 0 2px var(--_surface)}
i{width:24px;height:24px;background:currentColor;border-radius:50% 50% 50% 4px;mask:radial-gradient(circle,#0000 1.6px,#000 2.1px) 50%/7px;forced-color-adjust:none}
.shut i,[aria-expanded=true] i{scale:.5;translate:0 -4px;rotate:45deg;mask:none;background:0;border:solid;border-width:0 4px 4px 0;border-radius:0}
[hidden],b:empty{display:none}
b{position:absolute;inset:-4px -4px auto auto;padding:3px 7px;border-radius:12px;background:#d92d20;color:#fff;font-size:13px}
.box{all:unset;box-sizing:border-box;position:absolute;inset:0;border-radius:16px;overflow:hidden;background:var(--_surface);color:light-dark(#1d2939,#eaecf0);box-shadow:0 0 0 1px #8883,0 12px 48px #0003;pointer-events:auto}
dialog.box{inset:auto;bottom:calc(100% - 8px);width:min(400px,100vw - 40px);height:min(700px,100dvh - 120px)}
dialog:not([open]){display:none}
iframe{position:absolute;width:100%;height:100%;border:0}
.shut,a{position:absolute;z-index:1;inset-inline-end:8px;top:8px;padding:8px}
a{inset:auto 0 25%;text-align:center;animation:late 15s}
@keyframes late{from,99%{visibility:hidden}}
@media ${narrow}{dialog.box{position:fixed;inset:var(--top,0) 0 auto;width:auto;height:var(--height,100dvh);border-radius:0;padding:env(safe-area-inset-top) 0 env(safe-area-inset-bottom)}dialog iframe{position:static}}
@media (prefers-reduced-motion:no-preference){dialog.box{animation:rise .2s}@keyframes rise{from{opacity:0;translate:0 12px}}}
@media (forced-colors:active){.go,.box{border:2px solid}}
@media print{:host{display:none!important}}`);

  // The static files, without credentials, on the first sign that somebody is about to open the chat.
  const assets = '@assets@'.split(' ');
  const prefetch = () => {
    for (const path of assets.splice(0)) if (path[0] == '/')
      host.append(make('link', { rel: 'prefetch', crossOrigin: '', href: chat + path }));
  };

  const make = (name, properties, ...children) => {
    const element = Object.assign(page.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const press = (className, onclick, ariaLabel, ...children) =>
    make('button', { className, onclick, ariaLabel, type: 'button' }, make('i'), ...children);
  const shadow = (host, ...children) => {
    const tree = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
    tree.adoptedStyleSheets = [style];
    tree.replaceChildren(...children);
    host.style.colorScheme = theme ?? ''; // Else as the system has it.
    return tree;
  };

  // What the page has said, for frames that do not exist yet; and who listens. Both stay in memory.
  const said = {}, heard = {}, frames = new Map(), inline = new Map();
  const emit = (name, detail) => heard[name]?.forEach(listener => listener(detail));
  const tell = (type, field, value) => {
    said[type] = value;
    frames.forEach(surface => surface.post(type, { [field]: value }));
  };
  const receive = ({ origin, source, data }) => {
    if (origin == chat && data?.portico == 1) frames.get(source)?.[data.type]?.(data);
  };
  // Where cookies are blocked, the frame gives the page the handle with which the conversation goes on.
  const resumeKey = 'portico:' + brand;
  const kept = handle => {
    try {
      if (handle) localStorage[resumeKey] = handle;
      if (handle == '') delete localStorage[resumeKey];
      return localStorage[resumeKey];
    } catch {} // No storage either: the conversation lasts as long as the page.
  };

  /** The chat in `box`: its frame, what may be said to it, and, by type, what it says. */
  const surfaceIn = (box, actions) => {
    const address = room => `${chat}/${room}/${brand}?locale=${locale}`;
    const frame = make('iframe', { title, allow: 'autoplay;clipboard-write' });
    box.append(make('a', { href: address('c'), target: '_blank' }, title, ' ↗'), frame); // Seen if the frame never comes.
    let isReady;
    const surface = {
      post(type, fields) {
        if (isReady) frame.contentWindow.postMessage({ portico: 1, type, ...fields }, chat);
      },
      show() {
        if (!isReady) frame.src = address('w'); // Again, if it did not come the last time.
        frame.focus();
        surface.post('open', { pageUrl: location.href });
      },
      ready() {
        while (frame.previousSibling) frame.previousSibling.remove();
        isReady = true;
        surface.post('configure', { label, dir, theme, pageUrl: location.href, resume: kept(), ...said, identity: said.identify });
        delete said.prefill; // A draft belongs to one frame.
        if (box.open != false) surface.show();
      },
      resume: ({ handle }) => kept(handle),
      event: ({ name, detail }) => emit(name, detail),
      ...actions,
    };
    frames.set(frame.contentWindow, surface);
    addEventListener('message', receive); // The same listener is added once.
    return surface;
  };

  const shut = () => dialog.close();
  const badge = make('b'), dialog = make('dialog', { className: 'box', ariaLabel: title }, press('shut', shut, close));
  const button = press('go', () => commands.toggle(), title, launcher == 'label' ? title : '', badge);
  button.onpointerenter = button.onfocus = prefetch;
  const host = make('portico-launcher', { role: 'region', ariaLabel: title });
  for (const key in tokens) host.style.setProperty('--portico-' + key, tokens[key]); // color, layer, offset, side
  shadow(host, dialog, button).onkeydown = ({ key }) => key == 'Escape' && shut();

  let panel, isHidden = launcher == 'none', unread = 0, uncover;
  const draw = () => {
    badge.textContent = Math.min(unread, 99) || '';
    button.ariaLabel = unread ? `${title} (${unread})` : title;
    button.ariaExpanded = dialog.open;
    button.hidden = isHidden || inline.size;
  };
  dialog.onclose = () => {
    uncover?.();
    if (page.activeElement == page.body) button.focus();
    panel.post('close');
    draw();
    emit('close');
  };

  /** For the sheet: nothing scrolls behind it, no keyboard covers it, and "back" closes it. */
  const cover = () => {
    const end = new AbortController(), until = { signal: end.signal }, view = visualViewport, { overflow } = root.style;
    const fit = () => {
      host.style.setProperty('--height', view.height + 'px');
      host.style.setProperty('--top', view.offsetTop + 'px');
    };
    fit();
    view.addEventListener('resize', fit, until);
    view.addEventListener('scroll', fit, until);
    addEventListener('popstate', shut, until);
    history.pushState({ ...history.state, portico: 1 }, '');
    root.style.overflow = 'hidden';
    uncover = () => {
      uncover = end.abort();
      root.style.overflow = overflow;
      if (history.state?.portico) history.back();
    };
  };

  const commands = {
    open() {
      for (const start of inline.values()) return start();
      if (dialog.open) return;
      if (matchMedia(narrow).matches) dialog.showModal(cover());
      else dialog.show();
      panel ??= surfaceIn(dialog, {
        close: shut,
        unread({ count }) {
          draw(unread = count);
          emit('unread', count);
        },
      });
      panel.show();
      draw();
      emit('open');
    },
    close: shut,
    toggle: () => dialog.open ? shut() : commands.open(),
    show: () => draw(isHidden = false),
    hide: () => draw(isHidden = true),
    prefill: text => tell('prefill', 'text', text),
    identify: token => tell('identify', 'token', token),
    context: value => tell('context', 'value', value),
    on: (name, listener) => (heard[name] ??= new Set()).add(listener),
    off: (name, listener) => heard[name]?.delete(listener),
    shutdown() {
      uncover?.();
      kept('');
      removeEventListener('message', receive);
      for (const element of inline.keys()) shadow(element);
      host.remove();
      delete self.Portico;
    },
  };
  const Portico = self.Portico = (command, ...rest) => void commands[command](...rest);

  // <portico-chat>: the chat in the flow of the page, started by a press or, with `open`, at once. It goes
  // through the global, since an element can be defined only once but the loader may come and go.
  Portico.mount = element => {
    if (inline.has(element)) return;
    const box = make('div', { className: 'box' });
    let surface;
    const start = () => {
      tree.append(box);
      surface ??= surfaceIn(box);
      surface.show();
      emit('open');
    };
    const tree = shadow(element, press('go', start, title, title));
    draw(inline.set(element, start));
    if (element.hasAttribute('open')) start();
  };
  Portico.unmount = element => {
    draw(inline.delete(element));
    for (const frame of frames.keys()) if (frame.closed) frames.delete(frame);
  };
  if (!customElements.get('portico-chat')) customElements.define('portico-chat', class extends HTMLElement {
    connectedCallback() { self.Portico?.mount?.(this); }
    disconnectedCallback() { self.Portico?.unmount?.(this); }
  });
  page.querySelectorAll('portico-chat').forEach(Portico.mount);

  // Beside the body, not in it: page transitions that replace the body leave the chat alone.
  const mount = () => panel || root.append(host); // To move a frame would reload it.
  mount();
  if (!page.body) addEventListener('DOMContentLoaded', mount, { once: true }); // Last in the tab order.
  draw();
  early?.q?.forEach(call => Portico(...call));
})();
