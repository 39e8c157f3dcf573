/** The picture at the door: a seam under the lens, with the mark that staff draw. */
export function DoorArt() {
  return (
    <svg
      class="door-scene"
      viewBox="0 0 600 760"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      focusable="false"
    >
      <defs>
        <linearGradient id="hide" x1="0" y1="0" x2="1" y2="1">
          <stop offset="0" stop-color="#a9693f" />
          <stop offset="0.55" stop-color="#8a4f2b" />
          <stop offset="1" stop-color="#6d3b1f" />
        </linearGradient>
        <radialGradient id="glass" cx="0.35" cy="0.3" r="0.9">
          <stop offset="0" stop-color="#d38f5f" />
          <stop offset="1" stop-color="#9a5a33" />
        </radialGradient>
        <filter id="grain" x="0" y="0" width="100%" height="100%">
          <feTurbulence type="fractalNoise" baseFrequency="0.9 0.7" numOctaves="2" seed="4" />
          <feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  0 0 0 0.28 0" />
          <feComposite operator="in" in2="SourceGraphic" />
        </filter>
        <clipPath id="lens">
          <circle cx="318" cy="352" r="142" />
        </clipPath>
        <path id="seam" d="M-20 590 C120 500 190 470 330 360 S560 190 640 150" />
      </defs>
      <path
        d="M-20 700 L-20 420 C140 350 250 300 360 190 S560 20 640 0 L640 540 C520 600 420 660 300 780 L-20 780Z"
        fill="url(#hide)"
      />
      <path
        d="M-20 700 L-20 420 C140 350 250 300 360 190 S560 20 640 0 L640 540 C520 600 420 660 300 780 L-20 780Z"
        fill="#000"
        filter="url(#grain)"
      />
      <use href="#seam" fill="none" stroke="#5a2f17" stroke-width="9" opacity="0.55" />
      <use href="#seam" fill="none" stroke="#f0dcc2" stroke-width="5" stroke-linecap="round" stroke-dasharray="20 15" />
      <g clip-path="url(#lens)">
        <rect x="150" y="190" width="340" height="340" fill="url(#glass)" />
        <rect x="150" y="190" width="340" height="340" fill="#000" filter="url(#grain)" opacity="0.7" />
        <g transform="translate(318 352) scale(2.1) translate(-318 -366)">
          <use href="#seam" fill="none" stroke="#5a2f17" stroke-width="9" opacity="0.55" />
          <use
            href="#seam"
            fill="none"
            stroke="#fbeedd"
            stroke-width="5"
            stroke-linecap="round"
            stroke-dasharray="20 15"
          />
        </g>
        <path
          d="M286 338 C312 312 350 306 394 284"
          fill="none"
          stroke="#4c2511"
          stroke-width="7"
          stroke-linecap="round"
        />
        <path
          d="M296 343 C322 320 354 316 388 298"
          fill="none"
          stroke="#f3d3b3"
          stroke-width="2.5"
          stroke-linecap="round"
        />
        <path
          d="M214 300 C236 250 276 226 322 222"
          fill="none"
          stroke="#fff"
          stroke-width="10"
          stroke-linecap="round"
          opacity="0.5"
        />
      </g>
      <path d="M420 454 L528 562" stroke="#0b332f" stroke-width="44" stroke-linecap="round" />
      <path d="M420 454 L528 562" stroke="#d9efe9" stroke-width="30" stroke-linecap="round" />
      <circle cx="318" cy="352" r="142" fill="none" stroke="#0b332f" stroke-width="30" />
      <circle cx="318" cy="352" r="142" fill="none" stroke="#d9efe9" stroke-width="18" />
      <path
        d="M276 330 C262 300 320 264 376 260 C424 258 434 290 402 324 C374 352 312 378 284 362 C264 350 268 326 292 306"
        fill="none"
        stroke="#ff453a"
        stroke-width="8"
        stroke-linecap="round"
      />
      <circle cx="428" cy="248" r="22" fill="#ff453a" />
      <text
        x="428"
        y="257"
        text-anchor="middle"
        font-size="26"
        font-weight="700"
        fill="#fff"
        font-family="system-ui, sans-serif"
      >
        1
      </text>
    </svg>
  );
}
