// Every text of <token-balance> and <buy-tokens>, in German.
import type { Formats } from "../formats";
import type { ElementTexts } from "./elements-en";

export function elementTextsIn({ number, clock, day }: Formats): ElementTexts {
  const unit = () => "Token";
  const tokens = (count: number) => `${number(count)} Token`;

  return {
    unit,

    balance: {
      announcement: (count) => `Ihr Guthaben: ${tokens(count)}`,
      low: "Niedrig",
      lowAnnouncement: (count) => `Ihr Guthaben ist niedrig: ${tokens(count)}`,
      unknown: "Guthaben nicht verfügbar",
    },

    buy: {
      listLabel: "Token-Pakete",
      unit,
      bonus: (count) => `+${number(count)} Bonus-Token!`,
      buyNow: "Jetzt kaufen",
      buyNowOf: (name) => `Jetzt kaufen: ${name}`,
      opening: "Stripe wird geöffnet …",
      loading: "Pakete werden geladen …",
      unavailable: "Zurzeit nicht verfügbar",
      empty: "Zurzeit sind keine Pakete im Verkauf. Schauen Sie bald wieder vorbei.",
      badges: { most_popular: "AM BELIEBTESTEN", best_value: "BESTER PREIS" },
    },

    errors: {
      offline: "Sie sind anscheinend offline. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
      unreachable: "Wir erreichen unseren Dienst gerade nicht. Versuchen Sie es gleich noch einmal.",
      signIn: "Melden Sie sich an, um Token zu kaufen.",
      signedOut: "Ihre Sitzung ist abgelaufen. Melden Sie sich noch einmal an, um fortzufahren.",
      limit: (when, now) => {
        const time =
          when.toDateString() === now.toDateString() ? `um ${clock(when)}` : `am ${day(when)} um ${clock(when)}`;
        return `Sie haben unser Kauflimit erreicht. Es schützt Sie, falls Ihre Karte gestohlen wird. ${capitalized(time)} Uhr können Sie wieder kaufen.`;
      },
      appCheck:
        "Ihr Browser hat reCAPTCHA blockiert, das Sie von einem Roboter unterscheidet. Erlauben Sie es für diese Seite und laden Sie sie neu.",
      tooMany:
        "Gerade werden sehr viele Zahlungen begonnen. Es wurde nichts abgebucht. Versuchen Sie es in einer Minute noch einmal.",
      stripeAway:
        "Wir erreichen Stripe, unseren Zahlungsdienst, gerade nicht. Es wurde nichts abgebucht. Versuchen Sie es gleich noch einmal.",
      stripeRefused:
        "Stripe konnte diese Bestellung nicht annehmen. Es wurde nichts abgebucht. Wenn das noch einmal passiert, hilft Ihnen unser Support.",
      packageGone: "Dieses Paket gibt es nicht mehr. Wählen Sie ein anderes.",
      currencyGone:
        "Dieses Paket gibt es in dieser Währung nicht mehr. Laden Sie die Seite neu, um die Preise zu sehen.",
      unknown: "Bei uns ist etwas schiefgegangen. Versuchen Sie es gleich noch einmal.",
      retry: "Noch einmal versuchen",
    },
  };
}

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
