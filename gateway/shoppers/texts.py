"""Drafts that a shop finishes with its own data protection officer: the privacy statement and the DPIA, in Dutch and English."""

# ruff: noqa: E501 - a row of a Markdown table is one line

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

STATEMENT: Mapping[Literal["nl", "en"], str] = {
    "nl": """\
# Privacyverklaring: persoonlijk aanbod in de winkel (concept)

**Wie.** $controller is verantwoordelijk voor wat hieronder staat. Vragen of verzoeken: $contact.

**Wat.** Als u daarvoor toestemming geeft, herkent deze winkel uw telefoon of klantentag aan een bakensignaal, en krijgt u aanbod en
hulp die bij u en bij dit moment passen. Zonder uw toestemming gebeurt er niets: signalen van anderen worden binnen een oogwenk
vergeten en laten geen spoor na, ook geen telling per apparaat.

**Waarvoor, en welke gegevens.** U kiest per doel:

$purposes

**Uw naam kennen we hier niet.** De winkel kent u als een pseudoniem dat de app gaf. Geen e-mailadres, geen telefoonnummer, geen
MAC-adres.

**Wat we verzamelen, waarom, en wie het leest.** Wat geen enkele lopende regel gebruikt, bewaren we niet.

$collected

**Hoe lang.** Bezoeken $visits_days dagen, beslissingen $decisions_days dagen. Bent u $idle_days dagen niet geweest, dan vervalt uw
toestemming en wissen we alles. De hele lijst:

$kept

**Beslissingen.** Regels van de winkel bepalen automatisch welk aanbod u krijgt. Elke beslissing heeft een reden, die u kunt opvragen.
Er zijn geen rechtsgevolgen, en u betaalt nooit meer doordat u herkend bent.

**Met wie.** Met niemand buiten de winkel en haar app. Er gaat niets naar adverteerders.

**Uw rechten.** $rights.

**Intrekken.** $withdrawal. Daarna wordt alles over u gewist, ook uit back-ups. Wat u al is toegezegd, wordt zonder uw naam aan de
kassa nog gehonoreerd.
""",
    "en": """\
# Privacy statement: personal offers in the shop (draft)

**Who.** $controller answers for what is written below. Questions or requests: $contact.

**What.** If you consent, this shop recognises your phone or loyalty tag by a beacon signal, and you get offers and help that fit you
and this moment. Without your consent nothing happens: other people's signals are forgotten within an instant and leave no trace, not
even a count per device.

**What for, and which data.** You choose for each purpose:

$purposes

**Your name isn't known here.** The shop knows you by a pseudonym that the app gave. No e-mail address, no telephone number, no MAC
address.

**What we collect, why, and who reads it.** What no live rule uses is not kept.

$collected

**How long.** Visits $visits_days days, decisions $decisions_days days. If you haven't come for $idle_days days, your consent lapses and
we erase everything. The whole list:

$kept

**Decisions.** The shop's rules decide automatically which offer you get. Every decision has a reason, which you can ask for. There
are no legal effects, and you never pay more because you were recognised.

**With whom.** With nobody outside the shop and its app. Nothing goes to advertisers.

**Your rights.** $rights.

**Withdrawing.** $withdrawal. After that everything about you is erased, from backups too. What you were promised already is still
honoured at the till, without your name.
""",
}

DPIA: Mapping[Literal["nl", "en"], str] = {
    "nl": """\
# Gegevensbeschermingseffectbeoordeling (DPIA, AVG artikel 35): sjabloon voor $chain / $store

Ingevuld zijn de feiten die de gateway zelf kent. Wat tussen haakjes staat, vult de winkel in, met haar functionaris.

## 1. De verwerking

- Verantwoordelijke: $controller. Contact: $contact.
- Doel: klanten die daarvoor kozen in de winkel herkennen, en hun het aanbod doen dat nu helpt.
- Grondslag: toestemming per doel (artikel 6 lid 1 onder a), aantoonbaar vastgelegd met de velden van ISO/IEC TS 27560.
- Noodzaak en evenredigheid: (waarom een aanbod voor iedereen hier niet volstaat)

$purposes

## 2. Gegevens: verzameld, waarom, gelezen door

$collected

## 3. Bewaartermijnen

$kept

## 4. Risico's en maatregelen

| risico | maatregel in de gateway | restrisico |
| --- | --- | --- |
| volgen van voorbijgangers zonder toestemming | onbekende signalen vallen na één blik in een tabel weg, in het geheugen; geen logregel, geen telling, geen rij | (laag) |
| volgen over langere tijd door derden | wisselende bakens per kwartier, sleutels alleen in de gateway en de app | (laag; vaste tags blijven herkenbaar) |
| herleiden tot een naam | alleen pseudoniemen; e-mailadressen en namen worden geweigerd | (hangt af van de app) |
| heimelijk profiel | alleen verklaarde kenmerken die een lopende regel leest; vragen in plaats van afleiden | (laag) |
| telling verraadt één persoon | cijfers vanaf 15 mensen, in stappen, per vijf minuten | (laag) |
| intrekken werkt niet door | binnen 1 s van kracht; wissen tot op de byte; back-ups per klant versleuteld, sleutel vernietigd | (laag) |
| gestolen kastje | bestand alleen leesbaar voor de gateway; schijfversleuteling: (ja / nee) | (…) |
| opdringerigheid | aandachtsbudget, stilte als keuze, afkoeltijden | (…) |

## 5. Rechten van betrokkenen

- $rights.
- Intrekken: $withdrawal.
- Inzage en overdraagbaarheid: `etalage export`. Wissen: `etalage erase`. Bewijs van wissen zonder naam; de hash daarin verdwijnt na
  $erasure_digests_days dagen.

## 6. Advies en besluit

- Advies functionaris gegevensbescherming: (…)
- Mening van klanten of hun vertegenwoordigers: (…)
- Besluit, datum, herziening: (…)
""",
    "en": """\
# Data protection impact assessment (DPIA, GDPR article 35): template for $chain / $store

Filled in are the facts that the gateway itself knows. What stands in brackets is for the shop, with its data protection officer.

## 1. The processing

- Controller: $controller. Contact: $contact.
- Aim: to recognise shoppers who chose so, and to make them the offer that helps now.
- Legal basis: consent for each purpose (article 6(1)(a)), provable, recorded with the fields of ISO/IEC TS 27560.
- Necessity and proportionality: (why an offer for everybody doesn't do here)

$purposes

## 2. Data: collected, why, read by

$collected

## 3. Retention

$kept

## 4. Risks and measures

| risk | measure in the gateway | what remains |
| --- | --- | --- |
| following passers-by without consent | unknown signals are dropped after one look at a table, in memory; no log line, no count, no row | (low) |
| third parties following someone over time | beacons that rotate every quarter of an hour, keys in gateway and app only | (low; static tags stay recognisable) |
| tracing back to a name | pseudonyms only; e-mail addresses and names are refused | (depends on the app) |
| secret profiling | only declared attributes that a live rule reads; asking instead of guessing | (low) |
| a count tells about one person | figures from 15 people on, in steps, every five minutes | (low) |
| withdrawal doesn't reach everything | in force within 1 s; erased to the byte; backups sealed per shopper, the key destroyed | (low) |
| stolen box | file readable by the gateway only; disk encryption: (yes / no) | (…) |
| intrusiveness | attention budget, silence as a choice, cool-downs | (…) |

## 5. Rights of the people concerned

- $rights.
- Withdrawing: $withdrawal.
- Access and portability: `etalage export`. Erasure: `etalage erase`. A proof of erasure without a name; the hash in it goes after
  $erasure_digests_days days.

## 6. Advice and decision

- Advice of the data protection officer: (…)
- Views of shoppers or their representatives: (…)
- Decision, date, review: (…)
""",
}
