/** Sign-in: large buttons where the server offers demo accounts, a form otherwise. */
import { html, render } from 'lit';
import { demo } from './demo.js';
import { mark } from './icons.js';
import { isKorean, post, speak, spoken, t } from './say.js';
import './theme.js';

const page = /** @type {HTMLElement} */ (document.getElementById('page'));
/** @type {import('./types.js').Demo|null} */
let offered = null;
let failed = '';
let other = false;
/** @type {Record<string, string>} */
const HOMES = { supervisor: '/supervisor', officer: '/field', protected: '/protected', city_operator: '/city', city_head: '/city', administrator: '/admin' };

/** @param {string} account @param {string} password */
async function enter(account, password) {
  const answer = await fetch('/sign-in', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ account, password }),
  });
  if (answer.ok) {
    const { role } = await answer.json();
    location.assign(HOMES[role] ?? '/operator');
    return;
  }
  failed = answer.status === 429 ? 'too_many_tries' : answer.status === 403 ? 'not_at_this_door' : 'bad_sign_in';
  draw();
}

/** @param {SubmitEvent} event */
function submit(event) {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  void enter(String(form.get('account')), String(form.get('password')));
}

/** @param {import('./types.js').Account} account */
const button = (account) => html`<button class="btn account" data-account=${account.account} @click=${() => void enter(account.account, account.password)}>
  <span class="ac-who"><b>${account.name}</b><span class="ac-id">${account.account}</span></span><span class="ac-post">${post(account.role, account.seat)}</span></button>`;

/** Where each role sits; who is in none of these sits at the desk. @type {Record<string, string>} */
const PLACES = { officer: 'sign.field', protected: 'sign.shield', city_operator: 'sign.city', city_head: 'sign.city' };

/** The desk first, then the cities, then telephones. @param {import('./types.js').Account[]} accounts */
function offers(accounts) {
  const groups = ['sign.desk', 'sign.city', 'sign.field', 'sign.shield'].map((name) => ({ name, of: accounts.filter((each) => (PLACES[each.role] ?? 'sign.desk') === name) }));
  return groups.filter((group) => group.of.length).map((group) => html`<section aria-labelledby=${group.name}><h2 id=${group.name}>${t(group.name)}</h2>${group.of.map(button)}</section>`);
}

const form = () => html`<form @submit=${submit}><label>${t('sign.account')}<input name="account" autocomplete="username" required></label>
  <label>${t('sign.password')}<input name="password" type="password" autocomplete="current-password" required></label><button class="btn main">${t('sign.go')}</button></form>`;

function draw() {
  const accounts = offered?.accounts ?? [];
  render(html`<main class="sign"><header><span class="mark">${mark}</span><h1>${t('product')}</h1><p>${offered?.centre_name ?? t('head.centre')}${accounts.length ? html` · ${t('sign.demo')}` : ''}</p></header>
    ${accounts.length ? html`${offers(accounts)}
      <button class="link" aria-expanded=${String(other)} @click=${() => { other = !other; draw(); }}>${t('sign.other')}</button>` : ''}
    ${!accounts.length || other ? form() : ''}
    ${failed ? html`<p class="note failed" role="alert">${t('sign.failed', { why: t(`Why.${failed}`) })}</p>` : ''}
    <footer>${offered?.phones_url ? html`<p><a class="link" href=${offered.phones_url}>${t('sign.phones')}</a></p>` : ''}<p>${t('sign.recorded')}</p>${accounts.length ? html`<p>${t('sign.made_up')}</p>` : ''}
      <button class="link" @click=${() => speak(isKorean() ? 'en' : 'ko')}>${t('head.language')}</button></footer></main>`, page);
}

spoken.addEventListener('language', draw);
void demo().then((found) => {
  offered = found;
  draw();
});
