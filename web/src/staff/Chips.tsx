import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { gently } from "../ui/motion";

interface Option {
  value: string;
  label: string;
  hint?: string;
}

interface Props {
  legend: string;
  name: string;
  value: string;
  options: readonly Option[];
  /** In one row that scrolls sideways. */
  row?: boolean;
  onChoose: (value: string) => void;
  children?: ComponentChildren;
}

/** One of several, as large chips: native radio buttons underneath, so that keys and screen readers work. */
export function Chips({ legend, name, value, options, row, onChoose, children }: Props) {
  const group = useId();
  const list = useRef<HTMLDivElement>(null);
  // The chosen one is brought into sight.
  useEffect(() => {
    const chosen = list.current?.querySelector<HTMLElement>("input:checked")?.parentElement;
    if (row && chosen && list.current) list.current.scrollTo({ left: chosen.offsetLeft - 60, behavior: gently() });
  }, [value]);
  return (
    <fieldset class="chips">
      <legend class="label">{legend}</legend>
      <div class={row ? "chips-row" : "chips-wrap"} ref={list}>
        {options.map((option) => (
          <label key={option.value} class="chip">
            <input
              type="radio"
              name={`${group}-${name}`}
              checked={option.value === value}
              onChange={() => onChoose(option.value)}
            />
            <span>{option.label}</span>
            {option.hint && <small>{option.hint}</small>}
          </label>
        ))}
      </div>
      {children}
    </fieldset>
  );
}
