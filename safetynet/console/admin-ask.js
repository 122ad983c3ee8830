/** One question to the centre. `no` in an answer is the word why not; a session that is over goes to the sign-in. */

/** @typedef {'look'|'order'|'history'|'permits'|'try'|'do'|'calendar/read'} Path */

/** @param {string} path @param {Record<string, unknown>|File} said */
async function send(path, said) {
  const [body, type] = said instanceof File ? [said, 'application/octet-stream'] : [JSON.stringify(said), 'application/json'];
  const answer = await fetch(`/admin/${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  if (answer.status === 401) location.replace('/');
  return answer;
}

/** @param {Path} path @param {Record<string, unknown>|File} [said] @returns {Promise<any>} */
export async function ask(path, said = {}) {
  try {
    const answer = await send(path, said);
    const found = await answer.json();
    return answer.ok ? found : { no: found.reason ?? 'malformed' };
  } catch {
    return { no: 'unreachable' };
  }
}

/** A file from the centre; none when there is nothing of the kind. @param {'calendar'} path @param {Record<string, unknown>} said @returns {Promise<Blob|null>} */
export async function file(path, said) {
  const answer = await send(path, said).catch(() => null);
  return answer?.ok ? answer.blob() : null;
}
