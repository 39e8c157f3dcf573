/** The house's sign: a lens with a stitch in it. */
export function LoupeMark({ size = 32 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="14" cy="14" r="10.5" fill="none" stroke="currentColor" stroke-width="3" />
      <path d="M21.8 21.8 28.5 28.5" stroke="currentColor" stroke-width="4" stroke-linecap="round" />
      <path
        d="M9 16.5c2.4-4.6 5-4.6 10-5"
        fill="none"
        stroke="currentColor"
        stroke-width="2.2"
        stroke-linecap="round"
        stroke-dasharray="3 3.2"
      />
    </svg>
  );
}
