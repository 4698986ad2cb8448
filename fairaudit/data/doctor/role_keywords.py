"""Words in column names that suggest a role other than outcome or sensitive."""

from __future__ import annotations

import re

from fairaudit.data.name_words import folded, word_set

PREDICTION_WORDS = word_set(
    """pred preds predicted prediction predictions yhat decision decisions decided recommendation
    recommended classified verdict flagged entscheidung empfehlung vorhersage prognose decizia
    decisao decisione beslissing prediccion predicao prevision predizione voorspelling
    recomendacion recomendacao recommandation решение прогноз 预测 予測 signale
    signalee signalement alerta marcado marcada segnalato segnalata gemeldet geflaggt gemarkeerd
    oznaczony screened recommend recommends predicts decides suggests suggested suggestion
    vorschlag votum gutachten voorstel propuesta proposta avis advies dictamen parecer parere
    advice"""
)
# Of these the ones that a model appends to a table, wherever the outcome stands.
MODEL_WORDS = word_set(
    """pred preds predicted prediction predictions yhat classified vorhersage prognose prediccion
    predicao prevision predizione voorspelling прогноз 预测 予測 predicts"""
)
SCORE_WORDS = word_set(
    folded(
        """score scores prob probs probability proba risk likelihood propensity punktzahl punkte
    puntuacion puntaje pontuacao punteggio wahrscheinlichkeit probabilidad probabilite
    pd lgd riskscore risicoscore risikoscore risikowert
    punkty punti puntos pontos punten poeng poang
    점수 ai점수 得分 分数 评分 スコア probabilita risiko riesgo risque risco rischio kans"""
    )
)
# Scores that people get (tests, grades, credit bureaus, clinical scales), not a system's output.
SCORE_ENDINGS = ("score", "scoring", "skor")  # compounds: fraudescore
NOT_SCORE_STEMS = ("credit", "kredit", "krediet", "bonit", "schufa", "test", "exam", "note")
NOT_SCORE_WITH = word_set(
    """credit fico bureau serasa experian equifax cibil external estimate schufa kredit test tests
    sat act exam exams
    math maths
    reading writing science english verbal quant quiz apgar lsat gre gmat toefl ielts text date
    tolerance factor factors averse appetite training training avg average mean grade grades gpa
    satisfaction performance perf engagement survey rating quality skill skills interview
    personality sofa apache saps gcs glasgow depression anxiety pain health z oral written
    technical ks gcse prueba examen exame prova teste entrevista
    klausur prufung toets esame egzamin tentamen language assessment kpi review sentiment"""
)

# People whose judgement a machine's score is compared with.
JUDGES = word_set(
    """recruiter human judge officer committee panel manager reviewer expert physician doctor
    radiologist clinician underwriter adjudicator teacher mensch mensch personaler richter
    gutachter arzt sachbearbeiter recruteur juge medecin expert humain humano reclutador juez
    medico recrutador juiz umano giudice recensent rechter arts beoordelaar"""
)
# Beside the topic of an outcome they make a score: "model_toxicity", "ai_default".
SYSTEM_WORDS = word_set(
    """model system algorithm algo algorithmus ai ki ml perspective api pred predicted classifier
    tool machine modell modelo modele modello"""
)

# With an index, points or a rank they make a score: "indice di profilazione".
PROFILED = word_set(
    """profiling profile profilazione profilo profilage profil profilu profilering perfilado perfil
    vulnerability vulnerabilita vulnerabilite vulnerabilidad need needs bisogno besoin merit
    merito merite urgency urgence urgenza danger employability occupabilita employabilite
    suitability eligibility fragility fragilite fragilita bedarf eignung"""
)

# Institutions come first: people of one institution resemble each other. Areas follow.
INSTITUTIONS = (
    "site", "hospital", "school", "clinic", "center", "centre", "branch", "facility", "ward",
    "practice", "teacher", "classroom", "store", "agency", "employer", "company", "department",
    "court", "judge", "lender", "lei", "krankenhaus", "klinik", "schule", "filiale", "standort",
    "niederlassung", "abteilung", "escuela", "escola", "ecole", "scuola", "colegio", "colegiu",
    "lycee", "szkola", "skola", "skole", "universidad", "universidade", "universite", "campus",
    "hochschule", "instituto", "prison", "jail",
    "etablissement", "sucursal", "sede", "agencia", "agence", "tribunal", "ziekenhuis",
)  # fmt: skip
# Columns of mortgage reports (HMDA), which are about applications to many lenders.
MORTGAGE_COLUMNS = word_set(
    """agencycode actiontaken actiontype msamd msamdcode derivedmsamd censustract censustractnumber
    loantype loanpurpose loanamount000s propertytype owneroccupancy lienstatus hoepastatus
    purchasertype ratespread asofyear activityyear applicantincome000s"""
)
AREAS = (
    "province", "region", "state", "county", "district", "precinct", "city", "puma", "statefip",
    "cluster", "occupation", "team", "plant", "bundesland", "provincia", "provincie", "comune",
    "kommun", "kommune", "gemeente", "gmina", "wojewodztwo", "judet", "megye", "commune",
    "distrito", "estado", "uf", "borough",
    "municipio", "municipality", "departement", "departamento", "bezirk",
    "landkreis", "pct", "tract",
)  # fmt: skip
OFTEN_FEW = word_set("""branch store agency employer company department practice abteilung""")
# Words that make a measurement of a name: "time_in_hospital", "company_size", "years_at_company".
MEASURE_WORDS = word_set(
    """time times days day years year months month hours num number nbr no n count counts total
    size index rate pct percent percentage share ratio avg average mean median min max sum in at
    since per distance dist income score sup support type types tenure length visits previous
    rank ranking grade grades mark marks population dauer anzahl jahre tage index level"""
)
IDENTIFIER_WORDS = word_set(
    """id ids uuid guid key index idx rownames rowname rownum rowid identifier pk nr nbr number no
    name names surname firstname lastname fullname email mail phone ssn passport address
    communityname url serialno randid seqn nummer numero kennung ident caseid zpid matricula
    matricule dossier expediente folio dni nie nif nss cpf curp rut cedula pesel bsn personnummer
    aktenzeichen steuernummer serial"""
)
# Words that can name the unit a row belongs to; "no" and "number" only beside a person's word.
IDENTIFIER_ENDINGS = ("nummer", "number", "kennzeichen", "kennung", "numret")
# A compound such as "polisnummer" is a key unless it starts as a place or a telephone does.
NO_KEY_STEMS = ("haus", "huis", "tele", "telefon", "handy", "zimmer", "kamer", "stock", "post")
SERIAL_WORDS = word_set("""ser serial serno sernum sernr serialno seq sequence""")
KEY_WORDS = word_set(
    """id ids uuid guid key identifier nr nbr nummer kennung serialno randid seqn iid
    uid mrn nhsnumber empi"""
)
# Numbers of documents: "stop order no", "numero de contrato".
NUMBERED_ENDINGS = word_set("no nr number num nbr numero nummer numer")
DOCUMENTS = word_set(
    """order case file contract policy invoice permit licence license docket warrant report booking
    claim application ticket badge record"""
)
SPANS = word_set("days months years weeks tage monate jahre jours mois dias meses giorni dagen")
COUNTING_WORDS = word_set("""no number num numero code n""")
PERSON_WORDS = word_set(
    """mrn patient student subject person people employee emp worker customer client user member
    participant respondent applicant candidate borrower defendant offender inmate prisoner
    household family citizen resident pupil child mother subjectid patientid userid personal
    patiente schueler schuler kunde kunden mitarbeiter bewerber versicherten paciente cliente
    empleado alumno estudiante funcionario aluno eleve etudiant salarie employe paziente
    dipendente studente klant patienten annotator rater account loan case player driver
    beneficiary claimant holder allocataire beneficiaire usager usuario
    demandeur solicitante titulaire antragsteller leistungsbezieher requerente richiedente
    mieter tenant locataire inquilino"""
)
WEIGHT_WORDS = word_set(
    """weights wt fnlwgt sampleweight pweight samplingweight perwt finalwgt pwgtp wgtp hhwt
    wtmec wtint instanceweight surveyweight personweight finalweight asecwt wtfinl"""
)
WEIGHT_KINDS = word_set("""instance survey sample sampling person final design population""")
AMOUNT_WORDS = word_set(
    """amount amt income salary wage balance price cost value limit budget payment revenue loan
    betrag einkommen gehalt monto importe ingreso ingresos montant revenu salaire valor renda"""
)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".npy")
DATE_WORDS = word_set("""date time timestamp datetime datum fecha""")
WRITTEN_DATE = re.compile(r"(date|datum|fecha|datestop).*|.*(date|datum)")
