"""How forms word "no answer", and the answers that look like it."""

from __future__ import annotations

import pytest

from fairaudit.data.non_answers import NonAnswers, answer_key, says_nothing

NO_ANSWER = (
    # English
    "Decline to self-identify", "Declined to state", "DECLINE TO IDENTIFY", "Declined",
    "I don't wish to answer", "I don’t wish to answer", "I dont wish to answer.",
    "I do not wish to disclose", "I do not want to answer", "I Don't Want To Answer",
    "Prefer not to say", "prefer_not_to_say", "Prefer Not To Answer", "I prefer not to disclose",
    "I'd rather not say", "Would prefer not to say", "Choose not to identify",
    "I choose not to disclose", "Chose not to respond", "Refused", "Refused to answer",
    "Not reported", "Undisclosed", "not-disclosed", "Not specified", "Unspecified",
    "Not provided", "Not Available", "Not stated", "Not known", "Did not answer", "Didn't respond",
    "Does not wish to self-identify", "Don't know", "Do not know", "No answer", "No response",
    "No response provided", "None", "N/A", "n.a.", "#N/A", "<NA>", "nan", "NaN", "NULL", "-",
    "--", "—", "?", "???", "", "   ", ".", "(missing)", "Missing", "[blank]", "(blank)",
    "Unknown", "unk", "UNKNOWN ", "Race unknown", "Unknown race", "Unknown/Not Reported",
    "Race and Ethnicity Unknown", "Ethnicity: Not Reported", "Gender not specified",
    "Other/Unknown", "Unknown or other", "Other / prefer not to say", "Withheld",
    "Information not provided by applicant in mail, internet, or telephone application",
    # Spanish
    "Prefiero no decirlo", "Prefiero no responder", "Desconocido", "No especificado",
    "No contesta", "NS/NC", "Sin especificar", "No deseo responder", "No informado",
    # French
    "Je préfère ne pas répondre", "Préfère ne pas dire", "Ne souhaite pas répondre",
    "Non renseigné", "Non précisé", "Inconnu", "Inconnue", "Sans réponse", "Refus de répondre",
    # German
    "keine Angabe", "k. A.", "Unbekannt", "Nicht angegeben", "Möchte ich nicht angeben",
    "Ich möchte keine Angabe machen", "Ohne Angabe", "Weiß nicht", "keine Antwort",
    # Italian
    "Preferisco non rispondere", "Preferisco non dirlo", "Non specificato", "Non dichiarato",
    "Sconosciuto", "Nessuna risposta", "Non disponibile",
    # Portuguese
    "Prefiro não dizer", "Prefiro não responder", "Não informado", "Não declarado",
    "Desconhecido", "Ignorado", "Sem informação",
    # Dutch
    "Zeg ik liever niet", "Wil ik niet zeggen", "Onbekend", "Niet opgegeven", "Geen antwoord",
)  # fmt: skip
ANSWERS = (
    "Other", "Others", "Other race", "Two or more races", "Not Hispanic or Latino", "Not Hispanic",
    "Prefer to self-describe", "Non-binary", "X", "White", "No", "Yes", "0", "-1", "Nonbinary",
    "Not listed", "None of the above", "Asian, not specified", "Native American", "Nan Chinese",
    "Unmarried", "Undergraduate", "Naga", "Han", "Declan", "Autre", "Andere", "Otro", "Noir",
    "Noire", "No Hispano", "Nicht-binär", "Divers", "Non binaire", "Noord-Afrikaans",
    "Refugee", "Want", "Ukrainian", "Empty nester", "+",
)  # fmt: skip


@pytest.mark.parametrize("label", NO_ANSWER)
def test_a_wording_of_no_answer_is_recognised(label: str) -> None:
    assert says_nothing(label, "race")


@pytest.mark.parametrize("label", ANSWERS)
def test_an_answer_is_not_taken_for_silence(label: str) -> None:
    assert not says_nothing(label, "race")


@pytest.mark.parametrize("attribute", ["disability", "Religion", "veteran_status"])
def test_none_is_an_answer_where_nobody_need_have_one(attribute: str) -> None:
    assert not says_nothing("None", attribute)
    assert not says_nothing("Not applicable", attribute)
    assert says_nothing("Unknown", attribute)


def test_u_is_unknown_as_a_sex_only() -> None:
    assert says_nothing("U", "applicant_sex")
    assert not says_nothing("U", "grade")


def test_a_person_may_add_and_remove_labels() -> None:
    changed = NonAnswers(more=("Multiple", "-9"), fewer=("none",))
    assert ("race", "MULTIPLE") in changed
    assert ("race", "-9") in changed
    assert ("race", "9") not in changed
    assert ("race", "None") not in changed
    assert ("race", "Unknown") in changed


def test_case_accents_and_apostrophes_do_not_count() -> None:
    assert answer_key("Não  informado") == answer_key("NAO-INFORMADO")
    assert answer_key("don’t") == answer_key("don't") == answer_key("dont")
