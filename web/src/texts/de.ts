// Every text on the pages, in German.
import type { Formats } from "../formats";
import { elementTextsIn } from "./elements-de";
import type { Texts } from "./en";

export function textsIn(formats: Formats): Texts {
  const { number, isOne } = formats;
  const { unit, ...elements } = elementTextsIn(formats);
  const tokens = (count: number) => `${number(count)} Token`;
  const entries = (count: number) => (isOne(count) ? "1 Eintrag" : `${number(count)} Einträge`);

  return {
    brand: "Token Economy",
    noscript: "Bitte schalten Sie JavaScript ein, um diese Seite zu nutzen.",
    skip: "Zum Inhalt springen",
    titles: {
      index: "Ihre Token",
      "buy-tokens": "Token kaufen",
      "token-purchase-success": "Ihr Kauf",
      "token-purchase-cancel": "Kauf abgebrochen",
      transactions: "Verlauf",
      account: "Konto",
      "404": "Seite nicht gefunden",
    },
    descriptions: {
      index: "Sehen Sie Ihr Token-Guthaben, kaufen Sie Token nach und prüfen Sie, wofür Sie sie verwendet haben.",
      "buy-tokens": "Wählen Sie ein Token-Paket und zahlen Sie einmalig über Stripe. Kein Abo.",
      "token-purchase-success": "Sehen Sie, was Sie gekauft haben und wann Ihre Token eintreffen.",
      "token-purchase-cancel": "Sie haben vor dem Bezahlen abgebrochen. Es wurde nichts abgebucht.",
      transactions: "Jede Änderung Ihres Token-Guthabens, die neueste zuerst.",
      account: "Sehen Sie, wer angemeldet ist, und ändern Sie E-Mail-Adresse oder Passwort.",
      "404": "Unter dieser Adresse gibt es keine Seite.",
    },

    nav: { label: "Hauptmenü", buy: "Token kaufen", history: "Verlauf" },
    footer: {
      promise: "Zahlungen laufen über Stripe. Wir sehen Ihre Kartendaten nie.",
      support: "Hilfe",
      language: "Sprache",
    },
    account: {
      signIn: "Anmelden",
      signOut: "Abmelden",
      signedInAs: (who) => `Angemeldet als ${who}`,
      menu: (who) => `Konto: ${who}`,
      settings: "Kontoeinstellungen",
    },

    balance: {
      reserved: (count, available) =>
        `${tokens(count)} ${isOne(count) ? "ist" : "sind"} für laufende Arbeiten reserviert. Verwenden können Sie jetzt ${number(available)}.`,
      debt: (count) => `Sie sind mit ${tokens(count)} im Minus. Ihr nächster Kauf gleicht das zuerst aus.`,
    },

    signIn: {
      title: "Anmelden",
      titleNew: "Konto erstellen",
      why: "Ihre Token gehören zu Ihrem Konto, damit Sie sie auf jedem Gerät nutzen können.",
      email: "E-Mail-Adresse",
      password: "Passwort",
      passwordHint: "Mindestens 8 Zeichen.",
      submit: "Anmelden",
      submitNew: "Konto erstellen",
      toNew: "Neu hier? Konto erstellen",
      toKnown: "Schon ein Konto? Anmelden",
      forgot: "Passwort vergessen?",
      forgotSent: (email) => `Falls es ein Konto für ${email} gibt, ist eine E-Mail mit einem Link unterwegs.`,
      google: "Weiter mit Google",
      demo: "Demokonto verwenden",
      demoHint: "Sie sind auf einem Entwicklungsrechner und brauchen kein echtes Konto.",
      or: "oder",
      close: "Schließen",
      missingEmail: "Geben Sie Ihre E-Mail-Adresse ein.",
      missingPassword: "Geben Sie Ihr Passwort ein.",
      errors: {
        "auth/invalid-credential": "E-Mail-Adresse oder Passwort ist falsch.",
        "auth/wrong-password": "E-Mail-Adresse oder Passwort ist falsch.",
        "auth/user-not-found": "E-Mail-Adresse oder Passwort ist falsch.",
        "auth/invalid-email": "Geben Sie eine gültige E-Mail-Adresse ein.",
        "auth/missing-password": "Geben Sie Ihr Passwort ein.",
        "auth/weak-password": "Ihr Passwort braucht mindestens 8 Zeichen.",
        "auth/password-does-not-meet-requirements": "Ihr Passwort braucht mindestens 8 Zeichen.",
        "auth/email-already-in-use": "Für diese E-Mail-Adresse gibt es schon ein Konto. Melden Sie sich an.",
        "auth/user-disabled": "Dieses Konto wurde gesperrt. Unser Support hilft Ihnen weiter.",
        "auth/too-many-requests": "Zu viele Versuche. Warten Sie ein paar Minuten und versuchen Sie es noch einmal.",
        "auth/network-request-failed":
          "Wir erreichen den Anmeldedienst nicht. Prüfen Sie Ihre Verbindung und versuchen Sie es noch einmal.",
        "auth/popup-blocked":
          "Ihr Browser hat das Anmeldefenster blockiert. Erlauben Sie Pop-ups für diese Seite und versuchen Sie es noch einmal.",
      },
      failed: "Die Anmeldung hat nicht geklappt. Versuchen Sie es noch einmal.",
    },

    errors: elements.errors,

    home: {
      title: "Ihre Token",
      signedOut: "Melden Sie sich an, um Ihr Guthaben zu sehen.",
      lead: "Mit Token zahlen Sie für alles, was Sie erschaffen.",
      buy: "Token kaufen",
      history: "Verlauf ansehen",
    },

    buy: {
      ...elements.buy,
      title: "Token kaufen",
      lead: "Einmal zahlen, jederzeit nutzen. Kein Abo.",
      balance: "Sie haben",
      currency: "Preise in",
      perToken: (price) => `${price} pro Token`,
      stillOpening: "Stripe braucht länger als sonst. Einen Moment noch …",
      unavailableWhy: "Dieses Paket ist noch nicht im Verkauf. Schauen Sie bald wieder vorbei.",
    },
    catalog: {
      "Starter Pack": "Starter-Paket",
      "Popular Pack": "Beliebtes Paket",
      "Pro Pack": "Pro-Paket",
      "Creator Pack": "Creator-Paket",
      "Basic Pack": "Basis-Paket",
      "Premium Pack": "Premium-Paket",
      "Perfect for trying out our platform": "Ideal zum Ausprobieren",
      "Most popular choice - 10% bonus!": "Am häufigsten gewählt – 10 % Bonus!",
      "For power users - 25% bonus!": "Für alle, die viel vorhaben – 25 % Bonus!",
      "Maximum value - 40% bonus!": "Am meisten fürs Geld – 40 % Bonus!",
      "A month of regular use": "Reicht für einen Monat",
      "For power users": "Für alle, die viel vorhaben",
      "Our largest pack": "Unser größtes Paket",
    },

    success: {
      waitingTitle: "Ihre Zahlung wird bestätigt",
      waiting:
        "Vielen Dank! Sobald Stripe Ihre Zahlung bestätigt, schreiben wir Ihre Token gut. Das dauert meist nur ein paar Sekunden.",
      slowTitle: "Das dauert länger als sonst",
      slow:
        "Wenn Sie bezahlt haben, ist Ihre Zahlung sicher. Wir schreiben Ihre Token gut, sobald sie bestätigt ist, auch wenn Sie diese " +
        "Seite schließen. Sind sie in einer Stunde noch nicht da, schreiben Sie unserem Support und nennen Sie die Referenz.",
      creditedTitle: (count) => `${tokens(count)} gehören Ihnen`,
      receiptTitle: (count) => `Sie haben ${tokens(count)} gekauft`,
      refundedTitle: "Dieser Kauf wurde erstattet",
      disputedTitle: "Dieser Kauf wurde angefochten",
      credited: (packName) => `Vielen Dank für Ihren Kauf: ${packName}.`,
      paidDebt: (count) => `Sie waren mit ${tokens(count)} im Minus. Dieser Kauf hat das zuerst ausgeglichen.`,
      paidPartOfDebt: (owed, left) =>
        `Sie waren mit ${tokens(owed)} im Minus. Dieser Kauf hat einen Teil ausgeglichen, es fehlen noch ${tokens(left)}.`,
      takenBack: (count) => `${tokens(count)} aus diesem Kauf wurden seitdem zurückgebucht.`,
      date: "Datum",
      pack: "Paket",
      added: "Gutgeschriebene Token",
      balanceAfter: "Guthaben nach dem Kauf",
      paid: "Bezahlt",
      transaction: "Transaktionsnummer",
      reference: "Referenz",
      stripeReceipt: "Beleg von Stripe ansehen",
      stripeInvoice: "Rechnung ansehen",
      noStripeReceipt: "Stripe hat zu diesem Kauf keinen Beleg. Wenn Sie einen brauchen, hilft Ihnen unser Support.",
      stripeReceiptFailed:
        "Wir konnten das nicht von Stripe, unserem Zahlungsdienst, abrufen. Versuchen Sie es in einer Minute noch einmal.",
      copy: "Kopieren",
      copyOf: "Transaktionsnummer kopieren",
      copyOfReference: "Referenz kopieren",
      copied: "Kopiert",
      delayedTitle: "Wir warten auf Ihre Bank",
      delayed:
        "Die gewählte Zahlungsart dauert ein paar Tage. Wir schreiben Ihre Token gut, sobald das Geld eintrifft. Sie müssen nichts " +
        "weiter tun und können diese Seite schließen.",
      failedTitle: "Ihre Zahlung ist nicht durchgegangen",
      failed:
        "Ihre Bank hat die Zahlung nicht ausgeführt, es wurde also nichts abgebucht. Versuchen Sie es noch einmal oder wählen Sie eine " +
        "andere Zahlungsart.",
      heldTitle: "Wir prüfen Ihren Kauf",
      held:
        "Ihre Zahlung ist angekommen. Wir prüfen sie, bevor wir Ihre Token gutschreiben. Sie müssen nichts tun: Sie bekommen entweder " +
        "Ihre Token oder Ihr Geld zurück.",
      rejectedTitle: "Wir konnten diesen Kauf nicht annehmen",
      rejected:
        "Wir haben ihn geprüft und erstatten Ihre Zahlung auf demselben Weg. Das dauert meist höchstens 10 Tage.",
      signedOutTitle: "Melden Sie sich an, um Ihren Kauf zu sehen",
      signedOut: "Verwenden Sie das Konto, mit dem Sie gekauft haben.",
      unknownTitle: "Wir konnten diesen Kauf nicht finden",
      unknown: "Dieser Link gehört zu keinem Kauf. Ihre Käufe finden Sie in Ihrem Verlauf.",
      otherAccountTitle: "Dieser Kauf gehört zu einem anderen Konto",
      otherAccount: (who) =>
        `Sie sind als ${who} angemeldet, dieser Kauf wurde aber mit einem anderen Konto gemacht. Melden Sie sich damit an, um ihn zu sehen.`,
      maybeOtherAccount: (who) =>
        `Sie sind als ${who} angemeldet. Falls Sie mit einem anderen Konto gekauft haben, melden Sie sich damit an.`,
      switchAccount: "Anderes Konto verwenden",
      start: "Loslegen",
      buyMore: "Token kaufen",
      history: "Verlauf ansehen",
      tryAgain: "Noch einmal versuchen",
      support: "Support kontaktieren",
    },

    cancel: {
      title: "Kauf abgebrochen",
      lead: "Sie haben vor dem Bezahlen abgebrochen. Es wurde nichts abgebucht. Die Pakete warten hier auf Sie.",
      retryWith: (packName) => `${packName} kaufen`,
      all: "Alle Pakete ansehen",
      help: "Hat etwas nicht geklappt?",
      support: "Support kontaktieren",
    },

    history: {
      title: "Verlauf",
      lead: "Jede Änderung Ihres Guthabens, die neueste zuerst.",
      signedOutTitle: "Melden Sie sich an, um Ihren Verlauf zu sehen",
      empty: "Noch nichts da. Hier erscheinen Ihre Käufe.",
      noMatches: "Nichts passt zu diesem Filter.",
      loading: "Ihr Verlauf wird geladen …",
      failed: "Wir konnten Ihren Verlauf nicht laden.",
      more: "Mehr laden",
      shown: (count) => `${entries(count)}.`,
      all: "Das ist alles.",
      download: "CSV herunterladen",
      downloading: "Ihre Datei wird vorbereitet …",
      print: "Drucken",
      fileName: "token-verlauf.csv",
      filter: {
        label: "Filter",
        type: "Anzeigen",
        from: "Von",
        to: "Bis",
        clear: "Filter aufheben",
        types: {
          all: "Alles",
          purchases: "Käufe",
          spending: "Ausgaben",
          refunds: "Erstattungen und Anfechtungen",
          other: "Geschenke und Korrekturen",
        },
      },
      columns: { when: "Datum", what: "Beschreibung", amount: "Token", balance: "Guthaben danach" },
      csvColumns: [
        "Datum (UTC)",
        "Art",
        "Beschreibung",
        "Paket",
        "Token",
        "Guthaben danach",
        "Betrag",
        "Währung",
        "Transaktion",
      ],
      types: {
        purchase: "Kauf",
        spend: "Ausgegeben",
        spend_reversal: "Zurückgegeben",
        refund: "Erstattung",
        dispute: "Anfechtung",
        dispute_reversal: "Anfechtung geklärt",
        grant: "Geschenk",
        expiry: "Verfallen",
        adjustment: "Korrektur",
      },
      otherType: "Änderung",
      purchase: (packName, bonus) => (bonus ? `${packName}, mit ${number(bonus)} Bonus-Token` : packName),
      refund: (packName) => `Erstattung: ${packName}`,
      refundOf: (packName, money) => `${money} erstattet: ${packName}`,
      partialRefundOf: (packName, refunded, paid) => `${refunded} von ${paid} erstattet: ${packName}`,
      refundFailed: (packName) => `Eine Erstattung (${packName}) ist gescheitert, Ihre Token sind wieder da`,
      dispute: (packName) => `Die Zahlung wurde angefochten: ${packName}`,
      disputeReversal: (packName) => `Die Anfechtung (${packName}) ist geklärt, Ihre Token sind wieder da`,
      spend: "In der App verwendet",
      spendReversal: "Token, die Sie zurückbekommen haben",
      grant: "Ein Geschenk von uns",
      welcome: "Ein Geschenk zur Begrüßung",
      grantThatExpires: (what, count, on) =>
        `${what}. ${tokens(count)} ${isOne(count) ? "verfällt" : "verfallen"} am ${on}`,
      expiry: (on) => `Bis ${on} nicht verwendet`,
      adjustment: "Von unserem Support korrigiert",
      somePack: "Token-Paket",
      receipt: "Beleg ansehen",
      receiptOf: (what) => `Beleg ansehen: ${what}`,
      open: {
        label: "Laufende Käufe",
        waiting: "Wir warten darauf, dass Ihre Bank eine Zahlung ausführt.",
        failed: "Eine Zahlung ist nicht durchgegangen. Es wurde nichts abgebucht.",
        held: "Wir prüfen einen Kauf, bevor wir die Token gutschreiben.",
        rejected: "Wir konnten einen Kauf nicht annehmen und erstatten Ihre Zahlung.",
        started: (what, when) => `${what}, ${when}`,
        reference: (end) => `Referenz endet auf ${end}`,
        see: "Kauf ansehen",
        dismiss: "Ausblenden",
      },
    },

    accountPage: {
      title: "Konto",
      lead: "Ihre Anmeldedaten.",
      signedOutTitle: "Melden Sie sich an, um Ihr Konto zu sehen",
      email: "E-Mail-Adresse",
      method: "Sie melden sich an mit",
      methods: { password: "E-Mail-Adresse und Passwort", "google.com": "Google" },
      changeEmail: "E-Mail-Adresse ändern",
      newEmail: "Neue E-Mail-Adresse",
      changePassword: "Passwort ändern",
      currentPassword: "Aktuelles Passwort",
      newPassword: "Neues Passwort",
      save: "Speichern",
      sendLink: "Bestätigungslink senden",
      emailSent: (email) =>
        `Wir haben einen Link an ${email} geschickt. Sobald Sie ihn öffnen, ist Ihre Adresse geändert.`,
      passwordChanged: "Ihr Passwort wurde geändert.",
      googleHint: "Sie melden sich mit Google an. E-Mail-Adresse und Passwort verwalten Sie dort.",
      wrongPassword: "Ihr aktuelles Passwort ist falsch.",
      failed: "Das hat nicht geklappt. Versuchen Sie es noch einmal.",
    },

    notFound: {
      title: "Seite nicht gefunden",
      lead: "Die Adresse ist vielleicht falsch geschrieben, oder die Seite ist umgezogen.",
      home: "Zu Ihren Token",
    },
  };
}
