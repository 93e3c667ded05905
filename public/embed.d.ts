/**
 * Portico on a page. Put the loader into the page's head or body:
 *
 * ```html
 * <script src="https://chat.brand.example/embed.js" data-brand="brand" async></script>
 * ```
 *
 * Its attributes, and all else about it: docs/embed.md.
 *
 * To call `Portico` before the loader has come, queue the calls with this line:
 *
 * ```js
 * self.Portico ??= Object.assign((...call) => Portico.q.push(call), { q: [] });
 * ```
 */
declare global {
  /** Opens the chat: the panel, or the page's `<portico-chat>` if it holds one. */
  function Portico(command: 'open'): void;
  /** Closes the panel. The conversation goes on; new messages show as a number on the launcher. */
  function Portico(command: 'close'): void;
  /** Opens the panel if it is closed, and the other way round. */
  function Portico(command: 'toggle'): void;
  /** Shows the launcher again. */
  function Portico(command: 'show'): void;
  /** Hides the launcher, not an open panel; `open` still opens it. */
  function Portico(command: 'hide'): void;
  /** Puts `text` into the input of the chat for the visitor to send or change. Nothing is sent or opened by it. */
  function Portico(command: 'prefill', text: string): void;
  /**
   * Says who the visitor is: a JWT that the brand's back end signed, at most an hour valid, with `sub`, `aud`
   * (the chat host) and `exp`. Kept in memory until the chat is opened. What is not signed identifies nobody.
   */
  function Portico(command: 'identify', token: string): void;
  /**
   * Tells representatives and bots what the visitor looks at: a value that JSON can hold, at most 2048 characters
   * long. Replaces what was told before. Kept in memory until the chat is opened.
   */
  function Portico(command: 'context', value: PorticoContext): void;
  /** Calls `listener` whenever `event` happens; the same listener only once. */
  function Portico<Event extends keyof PorticoEvents>(
    command: 'on' | 'off',
    event: Event,
    listener: (detail: PorticoEvents[Event]) => void,
  ): void;
  /**
   * Takes everything off the page: launcher, panel, frames, listeners, storage, `Portico` itself. A script tag
   * added later starts anew; the conversation goes on if the chat host's cookie still knows the visitor.
   */
  function Portico(command: 'shutdown'): void;

  /** What happens in the chat, as far as the page may know. It never learns a word that is said. */
  interface PorticoEvents {
    /** The chat was opened. */
    open: undefined;
    /** The panel was closed, by whomever. */
    close: undefined;
    /** So many messages have not been read. */
    unread: number;
    /** The visitor has sent a message. */
    'message-sent': undefined;
    /** A message has come in. */
    'message-received': undefined;
  }

  /** What JSON can hold. */
  type PorticoContext =
    | null
    | boolean
    | number
    | string
    | readonly PorticoContext[]
    | { readonly [name: string]: PorticoContext };

  interface HTMLElementTagNameMap {
    /**
     * The chat in the flow of the page, instead of launcher and panel. Shows a button that starts it; with the
     * attribute `open` it starts by itself. 640 px high unless the page's CSS says otherwise.
     */
    'portico-chat': HTMLElement;
  }
}

export {};
