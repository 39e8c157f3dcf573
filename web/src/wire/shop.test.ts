import { expect, test } from "vitest";
import { ofShop } from "./shop";

test("requests of a customer's page name its shop, those of staff name none", () => {
  expect(ofShop("/api/devices", "/s/sunny-cobbler/chat")).toBe("/api/devices?shop=sunny-cobbler");
  expect(ofShop("/api/streams/c.a/entries?before=2", "/s/nails")).toBe("/api/streams/c.a/entries?before=2&shop=nails");
  expect(ofShop("/api/devices", "/staff/inbox")).toBe("/api/devices");
});
