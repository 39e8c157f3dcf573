import { staff } from "../i18n/staff.texts";
import { useStaff } from "./staffContext";

export function Team() {
  const { desk, me } = useStaff();
  const colleagues = (desk.line.value?.colleagues ?? []).filter((one) => one.id !== me.staff.id);
  return (
    <section class="card team" aria-labelledby="team-title">
      <h2 id="team-title">{staff("team")}</h2>
      {colleagues.length === 0 ? (
        <p class="muted">{staff("team_alone")}</p>
      ) : (
        <ul>
          {colleagues.map((one) => {
            const state = one.in_call ? "in_call" : one.available ? "available" : "away";
            return (
              <li key={one.id} class={`mate ${state}`}>
                <span class="face small" aria-hidden="true">
                  {one.name.slice(0, 1).toUpperCase()}
                </span>
                <span class="mate-name">{one.name}</span>
                <span class="mate-state">{staff(`state_${state}`)}</span>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}
