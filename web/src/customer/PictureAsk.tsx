import type { Customer } from "../state/customer";
import { Dialog } from "../ui/controls";
import { t } from "./texts";

/** Without consent to recording each picture is the customer's decision. */
export function PictureAsk({ customer }: { customer: Customer }) {
  const picture = customer.asked.value[0];
  if (!picture) return null;
  return (
    <Dialog key={picture.id} title={t("keep_title")}>
      <img class="asked-picture" src={picture.url} alt={t("picture_alt", { n: 1 })} />
      <p>{t("keep_text")}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={() => customer.answerPicture(picture.id, false)}>
          {t("dont_keep")}
        </button>
        <button type="button" class="button main" onClick={() => customer.answerPicture(picture.id, true)}>
          {t("keep")}
        </button>
      </div>
    </Dialog>
  );
}
