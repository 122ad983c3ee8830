"""In the browser: names of cameras, zones and people that are scripts, shown on the desk, the city's page and the record."""

from playwright.async_api import Page, async_playwright

from safetynet.sim.children import HOST
from safetynet.sim.screen import DESK, launch
from tools.attacks.book import Wave, attack
from tools.attacks.stage import HOSTILE, Stage, demand

_FOUND = "() => ({ pwned: window.pwned ?? null, images: document.querySelectorAll('img[src=x]').length, text: document.body.innerText })"


@attack("a script in the name of a camera, a person or a line that a page shows", Wave.DESK)
async def script_in_names(stage: Stage) -> None:
    said = {
        "act": "open_account",
        "login": "xss-1",
        "name": HOSTILE,
        "post": "operator",
        "seat": "9",
        "why": f"an attack {HOSTILE}",
    }
    opened = (await stage.ask("admin2", "POST", "/admin/do", said)).said
    demand(
        opened["no"] is None or opened["no"] in ("malformed", "login_taken"),
        f"an account with a hostile name: {opened}",
    )
    async with stage.at("operator1") as desk, async_playwright() as playwright:
        held = await stage.granted(desk)
        await desk.do("office", incident=held.incident, unit="u-1")
        await desk.do("tell", incident=held.incident, text=HOSTILE)
        browser = await launch(playwright)
        try:
            for account in ("operator1", "garam1", "admin1"):
                context = await browser.new_context(viewport={"width": DESK[0], "height": DESK[1]})
                home = f"http://{HOST}:{stage.door(account)}/"
                name, _, token = (await stage.cookie(account)).partition("=")
                await context.add_cookies([{"name": name, "value": token, "url": home}])
                page = await context.new_page()
                await page.goto(home)
                seen = await until_shown(page, account)
                demand(seen["pwned"] is None and not seen["images"], f"a name is run on the page of {account}")
                answer = await page.evaluate(
                    "() => { const made = document.createElement('div'); made.innerHTML = " + repr(HOSTILE) + ";"
                    " document.body.append(made); const other = document.createElement('script'); other.textContent = 'window.pwned = 2';"
                    " document.body.append(other); return new Promise((done) => setTimeout(() => done(window.pwned ?? null), 500)); }"
                )
                demand(answer is None, f"the page of {account} runs what is put into it")
                await context.close()
        finally:
            await browser.close()
        await stage.close(desk, held.incident)


async def until_shown(page: Page, account: str) -> dict[str, object]:
    """The page with the hostile name on it as text; for an administrator with whatever it shows."""
    found: dict[str, object] = {}
    for _ in range(40):
        found = await page.evaluate(_FOUND)
        if account == "admin1" or HOSTILE in str(found["text"]):
            break
        await page.wait_for_timeout(250)
    else:
        demand(found["pwned"] is not None, f"the hostile name is not on the page of {account}, so this shows nothing")
    return found
