/** What all our elements share: light DOM, and a redraw when the language changes. */
import { LitElement } from 'lit';
import { spoken } from './say.js';

export class Light extends LitElement {
  constructor() {
    super();
    this.redraw = () => this.requestUpdate();
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    spoken.addEventListener('language', this.redraw);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    spoken.removeEventListener('language', this.redraw);
  }

  /** A bubbling event with plain data. @param {string} name @param {unknown} [detail] */
  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}
