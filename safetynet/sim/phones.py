"""How a telephone comes to the demo's pages: two codes to photograph, whom to trust, and how to stop trusting. Demo only.

On the panel, for this machine: `/phones` (the page), `/phones/open.svg` and `/phones/trust.svg`. On the stand, at the
address for telephones, over plain HTTP: the authority's certificate and how to trust it, and nothing else. What it hands
out is public; that it is the right one is checked by eye, against the fingerprint on this machine's screen.
"""

import hashlib
import io
import ssl
from typing import Final

import msgspec
import segno
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

CERTIFICATE: Final = "safetynet-phones.crt"
QUIET_MODULES: Final = 4
"""The white border that a reader needs."""
SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Of `world.json`."""

    open_url: str
    """The officer's page at the door for telephones."""
    host: str
    stand_port: int
    ca: str
    """The authority's certificate, PEM."""

    @property
    def stand_url(self) -> str:
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.stand_port}/"


def fingerprint(ca: str) -> str:
    """SHA-256, as telephones show it."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca)).hexdigest().upper()
    return " ".join(digest[n : n + 2] for n in range(0, len(digest), 2))


def code(text: str) -> bytes:
    """A QR code as SVG: dark squares on white, without a style of its own."""
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn, kind="svg", border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return drawn.getvalue()


_HEAD: Final = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><link rel="stylesheet" href="{style}"><main><h1>{title}</h1>"""
_TRUST: Final = {
    "ko": """<h2>iPhone</h2><ol><li>Safari에서 인증서를 받고 '허용'을 누릅니다.</li>
<li>설정 › 일반 › VPN 및 기기 관리 › safetynet phones CA › 설치.</li>
<li>설정 › 일반 › 정보 › 인증서 신뢰 설정에서 safetynet phones CA를 켭니다.</li></ol>
<h2>Android</h2><ol><li>Chrome에서 인증서를 받습니다.</li>
<li>설정 › 보안 › 기타 보안 설정 › 기기 저장공간에서 설치 › CA 인증서 › '무시하고 설치' › 받은 파일.</li></ol>
<h2>지문을 비교하십시오</h2><p>설치 전 인증서 세부정보의 SHA-256 지문이 시연 컴퓨터 화면의 것과 같아야 합니다. 다르면 설치하지 마십시오.</p>{fingerprint}
<p>이 인증기관은 사설 주소(10.x, 172.16–31.x, 192.168.x, 127.x)에만 쓸 수 있습니다.</p>
<h2>시연이 끝나면 지우십시오</h2><ul><li>iPhone: 설정 › 일반 › VPN 및 기기 관리 › safetynet phones CA › 프로파일 제거.</li>
<li>Android: 설정 › 보안 › 기타 보안 설정 › 사용자 인증서(신뢰할 수 있는 자격 증명 › 사용자) › safetynet phones CA › 제거.</li></ul>""",
    "en": """<h2>iPhone</h2><ol><li>Fetch the certificate in Safari and tap Allow.</li>
<li>Settings › General › VPN &amp; Device Management › safetynet phones CA › Install.</li>
<li>Settings › General › About › Certificate Trust Settings: switch safetynet phones CA on.</li></ol>
<h2>Android</h2><ol><li>Fetch the certificate in Chrome.</li>
<li>Settings › Security › More security settings › Install from device storage › CA certificate › Install anyway › the file.</li></ol>
<h2>Compare the fingerprint</h2><p>Before you install: the SHA-256 fingerprint in the certificate's details must be the one on the screen of the
demo's computer. If it is not, do not install it.</p>{fingerprint}
<p>This authority can vouch for private addresses alone (10.x, 172.16–31.x, 192.168.x, 127.x).</p>
<h2>Remove it after the demo</h2><ul><li>iPhone: Settings › General › VPN &amp; Device Management › safetynet phones CA › Remove Profile.</li>
<li>Android: Settings › Security › More security settings › User certificates (Trusted credentials › User) › safetynet phones CA › Remove.</li></ul>""",
}
_CODES: Final = {
    "ko": """<p>휴대전화가 이 컴퓨터와 같은 망에 있어야 합니다. 비밀번호는 로그인 화면의 출동 요원·보호대상자 계정을 손으로 넣습니다.</p>
<div class="codes"><figure><img src="/phones/trust.svg" alt="인증서 안내 주소 QR 코드"><figcaption><b>1. 인증서를 신뢰하게 하기</b><br><a href="{stand}">{stand}</a></figcaption></figure>
<figure><img src="/phones/open.svg" alt="현장 화면 주소 QR 코드"><figcaption><b>2. 현장 화면 열기</b><br><a href="{open}">{open}</a></figcaption></figure></div>""",
    "en": """<p>The telephone must be in the same network as this computer. Type the password of an officer's or protected person's account.</p>
<div class="codes"><figure><img src="/phones/trust.svg" alt="QR code of the certificate's address"><figcaption><b>1. Trust the certificate</b><br><a href="{stand}">{stand}</a></figcaption></figure>
<figure><img src="/phones/open.svg" alt="QR code of the officer's page"><figcaption><b>2. Open the officer's page</b><br><a href="{open}">{open}</a></figcaption></figure></div>""",
}
_ONLY_HERE: Final = {
    "ko": "<p class='warn'>지금은 이 컴퓨터에서만 열립니다. 휴대전화로 열려면: <code>make demo FIELD_HOST=이 컴퓨터의 주소</code></p>",
    "en": "<p class='warn'>Open on this computer alone now. For telephones: <code>make demo FIELD_HOST=this computer's address</code></p>",
}
_TITLES: Final = {
    "ko": ("휴대전화로 열기", "시연 인증서"),
    "en": ("Open on a telephone", "The demo's certificate"),
}
_OTHER: Final = {
    "ko": '<p><a href="?lang=en" lang="en">English</a></p>',
    "en": '<p><a href="?lang=ko" lang="ko">한국어</a></p>',
}
_FETCH: Final = {"ko": "인증서 받기", "en": "Fetch the certificate"}
STYLE: Final = """
:root{color-scheme:dark;font:16px/1.55 Pretendard,"Noto Sans KR",system-ui,sans-serif;background:#0c1117;color:#e9edf2}
body{max-width:46rem;margin:2rem auto;padding:0 1.25rem}h1{font-size:1.35rem;margin:0 0 .5rem}h2{font-size:1.05rem;margin:1.4rem 0 .2rem}
p,ol,ul{color:#c3ccd6;margin:.25rem 0 .6rem}a{color:#8cc4ff}a:focus-visible{outline:3px solid #6db3ff;outline-offset:2px}
.codes{display:flex;flex-wrap:wrap;gap:1.25rem;margin:1rem 0}figure{margin:0;background:#131b24;border:1px solid #233040;border-radius:.6rem;
padding:1rem;flex:1 1 15rem}img{width:100%;max-width:15rem;display:block;background:#fff;border-radius:.3rem}figcaption{margin-top:.6rem;
overflow-wrap:anywhere}.print{font-family:ui-monospace,monospace;font-size:.9rem;color:#fff;overflow-wrap:anywhere}.warn{color:#ffd27a}
.get{display:inline-block;font-weight:600;color:#0c1117;background:#e9edf2;border-radius:.4rem;padding:.6rem 1.1rem;text-decoration:none}
@media (prefers-color-scheme:light){:root{color-scheme:light;background:#f4f6f8;color:#101820}p,ol,ul{color:#33404d}a{color:#0b5cad}
figure{background:#fff;border-color:#c9d2db}.print{color:#000}.warn{color:#7a4d00}.get{color:#fff;background:#0b5cad}}
"""


def _language(request: Request) -> str:
    asked = request.query_params.get("lang")
    if asked in _TITLES:
        return str(asked)
    return "ko" if "ko" in request.headers.get("accept-language", "ko") else "en"


def routes(settings: Settings, *, beyond: bool) -> list[Route]:
    """For the panel. `beyond`: whether telephones can reach the address at all."""

    async def page(request: Request) -> Response:
        lang = _language(request)
        said = _HEAD.format(lang=lang, title=_TITLES[lang][0], style="/phones.css") + (
            "" if beyond else _ONLY_HERE[lang]
        )
        said += _CODES[lang].format(stand=settings.stand_url, open=settings.open_url)
        said += _TRUST[lang].format(fingerprint=f'<p class="print">{fingerprint(settings.ca)}</p>') + _OTHER[lang]
        return HTMLResponse(said, headers=SAFE)

    def svg(text: str) -> Response:
        return Response(code(text), media_type="image/svg+xml", headers=SAFE)

    async def opening(request: Request) -> Response:
        return svg(settings.open_url)

    async def trusting(request: Request) -> Response:
        return svg(settings.stand_url)

    return [
        Route("/phones", page),
        Route("/phones/open.svg", opening),
        Route("/phones/trust.svg", trusting),
        Route("/phones.css", _style),
    ]


def stand(settings: Settings) -> Starlette:
    """The authority's certificate for telephones. No sign-in, no cookie, no script, nothing of anybody."""

    async def page(request: Request) -> Response:
        lang = _language(request)
        said = _HEAD.format(lang=lang, title=_TITLES[lang][1], style="/phones.css")
        said += f'<p><a class="get" href="/{CERTIFICATE}">{_FETCH[lang]}</a></p>'
        # Not the fingerprint: what came by this road cannot vouch for itself.
        said += _TRUST[lang].format(fingerprint="") + _OTHER[lang]
        return HTMLResponse(said, headers=SAFE)

    async def certificate(request: Request) -> Response:
        return Response(ssl.PEM_cert_to_DER_cert(settings.ca), media_type="application/x-x509-ca-cert", headers=SAFE)

    return Starlette(routes=[Route("/", page), Route(f"/{CERTIFICATE}", certificate), Route("/phones.css", _style)])


async def _style(request: Request) -> Response:
    return Response(STYLE, media_type="text/css", headers=SAFE)
