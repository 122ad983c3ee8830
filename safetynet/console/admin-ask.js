/** One question to the centre. `no` in an answer is the word why not; a session that is over goes to the sign-in. */

/** @param {'look'|'order'|'history'|'try'|'do'} path @param {Record<string, unknown>} [said] @returns {Promise<any>} */
export async function ask(path, said = {}) {
  try {
    const answer = await fetch(`/admin/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(said) });
    if (answer.status === 401) location.replace('/');
    const found = await answer.json();
    return answer.ok ? found : { no: found.reason ?? 'malformed' };
  } catch {
    return { no: 'unreachable' };
  }
}
