"""Words and values that suggest a sensitive attribute, in common languages, by topic."""

from __future__ import annotations

from fairaudit.data.name_words import folded, word_set


def _topics(**words: str) -> dict[str, str]:
    """Word → topic; words are folded as names are."""
    return {
        word: topic.replace("_", " ")
        for topic, text in words.items()
        for word in folded(text).lower().split()
    }


# One of these words in a name is enough, provided that the values can be such an attribute.
STRONG = _topics(
    sex="""sex sx gender riagendr geschlecht sexo sexe genero sesso geslacht kjonn cinsiyet pohlavi
    plec sukupuoli пол стать 性别 性別 성별 jeniskelamin kelamin sexdesc genderid genderdesc""",
    race="""race races ridreth
    racial raza raca rasse racetxt racedesc raceeth raceethnicity rac1p rac2p
    rac3p раса 种族 人种""",
    ethnicity="""ethnicity ethnic ethn ethnie ethnisch ethnische etnia etnisch etniska 民族""",
    age="""age ages ridageyr
    aage agep alter edad idade leeftijd alder wiek yas vek ika eletkor возраст вік
    年龄 年齢 나이 umur usia ageband agegroup agecat agebin agerange altersgruppe dob birthdate
    birthyear birthday yob geburtsdatum geburtsjahr fechanacimiento geboortedatum
    geboortejaar naissance nascita nascimento urodzenia narozeni fodselsdato fodselsar
    fodelsedatum fodelsear seniorcitizen""",
    language="""muttersprache mothertongue moedertaal thuistaal modersmal morsmal familiensprache
    herkunftssprache erstsprache aidinkieli anyanyelv""",
    religion="""religion religious religione religiao religie konfession konfessionszugehorigkeit
    faith creed religia вера религия 宗教""",
    disability="""disability disabled handicap handicapped behinderung behindert schwerbehindert
    rqth schwerbehinderung discapacidad deficiencia disabilita invalidite niepelnosprawnosc
    inwalidztwo инвалидность 障害 pcd handicape""",
    nationality="""nationality nationalities nacionality nacionality nationalitat nationalitaet
    staatsangehorigkeit staatsangehoerigkeit staatsburgerschaft staatsbuergerschaft nacionalidad
    nacionalidade nationalite nazionalita cittadinanza ciudadania cidadania citoyennete
    nationaliteit nasjonalitet nationalitet narodowosc obywatelstwo uyruk гражданство
    национальность 国籍 국적 citizenship""",
    country_of_birth="""geburtsland herkunft herkunftsland fodelseland fodeland
    fodselsland syntymamaa paisnacimiento migrationshintergrund geboorteland
    migratieachtergrond migratieverleden herkomst afkomst birthplace birthcountry countryofbirth
    bpl nativity""",
    hispanic_origin="hispan hispand hisp hispanic hispaniclatino latino latina latinx",
    caste="caste jati",
    marital_status="""marriage marry dmdmartl marst maritalstatus marstat marital
    maritaldesc     maritalstatusid
    familienstand zivilstand civilstand estadocivil etatcivil statocivile sivilstatus
    burgerlijkestaat""",
    sexual_orientation="lgbt lgbtq sexuality transgender",
    family_status="""monoparental monoparentale alleinerziehend alleinerziehende alleenstaande
    singleparent loneparent parentisole situationfamiliale""",
    deprivation="imd imdband simd deprivation imdquintile",
)
BIRTHS = word_set(
    """dob birthdate birthday birthyear yob geburtsdatum geburtsjahr fechanacimiento naissance
    geboortedatum geboortejaar nascita nascimento urodzenia narozeni fodselsdato fodselsar
    fodelsedatum fodelsear birth"""
)
# Not protected everywhere, but often what people are judged by.
OFTEN_USEFUL = frozenset(("deprivation", "language", "health insurance"))
# What people have from their parents: theirs counts where the person's own is not known.
INHERITED = frozenset(
    ("country of birth", "ethnicity", "race", "nationality", "language", "religion", "caste")
)
# These count in columns with few values only ("foreign-worker": yes/no), not in measurements
# ("PctForeignBorn": 0.12).
FEW = _topics(
    sex="""male female woman women femme homme mujer hombre mulher weiblich mannlich maennlich
    genre genere kon ismale isfemale pol""",
    race="""minority minrty black white asian indigenous skin skintone tone cor roma
    caucasian african""",
    hispanic_origin="",
    age="eta senior seniors young",
    religion="""muslim christian jewish hindu buddhist catholic protestant atheist sikh mormon
    jew jain""",
    nationality="""foreign foreigner citizen citizens citizenship citizendesc auslander auslaender
    extranjero estrangeiro etranger straniero migrant immigrant refugee gefluchtet buitenlander
    cit""",
    country_of_birth="native",
    marital_status="married mar",
    veteran_status="veteran veterans",
    pregnancy="pregnant pregnancy schwanger embarazada",
    sexual_orientation="orientation gay lesbian homosexual bisexual heterosexual queer",
    language="language langue sprache idioma lingua lengua taal jezyk sprak limba",
    disability="dis dear deye drem",
)
# A column named by these words alone holds one identity ("homosexual_gay_or_lesbian").
IDENTITIES = frozenset(STRONG) | frozenset(
    word
    for word, topic in FEW.items()
    if topic in ("sex", "race", "religion", "sexual orientation", "nationality")
)
IDENTITY_COMPANIONS = word_set(
    """or and other of american native pacific islander physical intellectual learning
    psychiatric mental illness sexual is
    religion race ethnicity disability gender orientation"""
)
# Names that are only meant as a whole ("MAR" is marital status in census files, else March).
WHOLE_NAME_ONLY = word_set(
    "mar cit dis eta kon cor pol tone orientation ika vek yas dear deye drem language"
)
PHRASES: tuple[tuple[frozenset[str], str], ...] = tuple(
    (word_set(words), topic)
    for words, topic in (
        ("country birth", "country of birth"), ("place birth", "country of birth"),
        ("pays naissance", "country of birth"), ("pais nacimiento", "country of birth"),
        ("pais nascimento", "country of birth"), ("born abroad", "country of birth"),
        ("lieu naissance", "country of birth"), ("lugar nacimiento", "country of birth"),
        ("luogo nascita", "country of birth"), ("paese nascita", "country of birth"),
        ("comune nascita", "country of birth"), ("local nascimento", "country of birth"),
        ("birth date", "age"), ("birth year", "age"), ("date naissance", "age"),
        ("annee naissance", "age"), ("fecha nacimiento", "age"), ("data nascimento", "age"),
        ("senior citizen", "age"),
        ("civil status", "marital status"), ("estado civil", "marital status"),
        ("etat civil", "marital status"), ("stato civile", "marital status"),
        ("burgerlijke staat", "marital status"), ("stan cywilny", "marital status"),
        ("situation matrimoniale", "marital status"), ("situacion conyugal", "marital status"),
        ("ever married", "marital status"),
        ("parent isole", "family status"), ("single parent", "family status"),
        ("lone parent", "family status"), ("familia monoparental", "family status"),
        ("family status", "marital status"), ("situation familiale", "marital status"),
        ("relationship status", "marital status"), ("situacao conjugal", "marital status"),
        ("african american", "race"), ("native american", "race"),
        ("pacific islander", "race"), ("days birth", "age"), ("ano nacimiento", "age"),
        ("fodelsear", "age"),
        ("mental illness", "disability"), ("mother tongue", "language"),
        ("first language", "language"), ("national origin", "nationality"),
        ("native language", "language"), ("home language", "language"),
        ("lengua materna", "language"), ("lengua origen", "language"),
        ("lingua materna", "language"), ("lingua madre", "language"),
        ("langue maternelle", "language"), ("langue parlee", "language"),
        ("idioma materno", "language"), ("jezyk ojczysty", "language"),
        ("familial status", "family status"),
        ("pais origen", "nationality"), ("land herkunft", "country of birth"),
        ("special needs", "disability"), ("sexual orientation", "sexual orientation"),
        ("skin tone", "race"), ("skin color", "race"), ("skin colour", "race"),
        ("hispanic origin", "hispanic origin"), ("jenis kelamin", "sex"),
        ("migration background", "country of birth"), ("hispanic latino", "hispanic origin"),
        ("caste category", "caste"),
    )
)  # fmt: skip
# Words that turn a sensitive word into a measurement of something else: "whitePerCap",
# "tract_median_age_of_housing_units", "account_age".
NOT_SENSITIVE_WITH = word_set(
    """per cap capita income score list paper box board count mortgage loan page house housing
    home building property tract median mean average avg vehicle car account company firm credit
    oldest newest inventory machine equipment wine blood cells cell gap horse time speed finish
    request transaction currency exchange trade friends noise domain website children"""
)
# Attributes of somebody else: left out where the person's own attribute is known.
RELATIVES = word_set(
    "spouse spouses partner co coapplicant child guardian officer conjoint ehepartner conyuge"
)
PARENTS = word_set(
    """mother mothers father fathers parent parents eltern mutter vater ouders moeder vader mere
    pere padres madre padre mae pai genitori rodzice rodzicow matki ojca foraldrar foreldre
    foraeldre"""
)
PREFIXES = {"racepct": "race", "ethni": "ethnicity", "gender": "sex", "agepct": "age"}

SEX_VALUES: tuple[frozenset[str], ...] = tuple(
    word_set(folded(text).lower())
    for text in (
        "m f", "male female", "man woman", "men women", "male female other", "m f x", "m f u",
        "male female nonbinary", "male female unknown", "m w", "m w d", "mann frau",
        "mannlich weiblich", "maennlich weiblich", "mannlich weiblich divers", "h m", "h f",
        "hombre mujer", "homme femme", "homem mulher", "masculino femenino",
        "masculino feminino", "masculin feminin", "uomo donna", "maschio femmina", "man vrouw",
        "k m", "mezczyzna kobieta", "м ж", "мужской женский", "男 女", "男性 女性", "남 여",
        "erkek kadin", "kvinna man", "mand kvinde", "boy girl", "transgender male female",
        "jongen meisje", "junge madchen", "junge maedchen", "garcon fille", "nino nina",
        "menino menina", "ragazzo ragazza", "chlopiec dziewczynka", "dreng pige", "pojke flicka",
        "gutt jente", "chlapec divka", "muz zena", "varon mujer", "man vrouw anders", "m v",
        "m v x", "mies nainen", "ferfi no", "barbat femeie", "boys girls", "v m o",
    )
)  # fmt: skip
RACE_VALUES = word_set(
    """white black asian hispanic latino caucasian african-american amer-indian-eskimo
    asian-pac-islander native-american mexican puertorican puerto-rican african black-african
    pacific-islander hawaiian arab african-american/black asianpacificislander blackhispanic
    whitehispanic black-hispanic white-hispanic americanindian american-indian romani roma
    africanamerican european-american"""
)
RACE_COMPANIONS = RACE_VALUES | word_set("native indian mixed other unknown multiracial")
# Words of values: "Asian or Pacific Islander", "Black or African American", "Mexican-American".
RACE_TOKENS = word_set(
    """white black asian hispanic latino latina latinx caucasian african islander hawaiian samoan
    chamorro eskimo aleut inuit mexican chicano cuban rican arab romani roma indigenous
    aboriginal maori mestizo mulatto mulato negro indigena afrodescendiente afrocolombiano branca
    branco preta preto parda pardo amarela indigena biracial african-american creole"""
)
COLOURS = word_set("white black or and matte gloss branca preta branco preto amarela negro")
MARITAL_TOKENS = word_set(
    folded(
        """married divorced widowed widow widower separated single unmarried cohabiting verheiratet
        ledig geschieden verwitwet getrennt soltero soltera casado casada divorciado divorciada
        viudo viuda viuvo viuva solteiro solteira separado separada separe separee marie mariee
        celibataire divorce divorcee veuf veuve pacse pacsee concubinage sposato sposata celibe
        nubile coniugato coniugata divorziato divorziata vedovo vedova separato separata gehuwd
        ongehuwd gescheiden samenwonend weduwe weduwnaar zonaty zamezna kawaler panna rozwiedziony
        rozwiedziona wdowiec wdowa gift ogift skild gifta ugift skilt enke enkemand evli bekar
        bosanmis dul casatorit casatorita necasatorit divortat vaduv svobodny zenaty vdana
        rozvedeny nos hajadon elvalt ozvegy naimisissa naimaton eronnut leski женат замужем холост
        разведен разведена вдова 已婚 未婚 离异 离婚 丧偶 既婚 離婚 기혼 미혼 이혼"""
    ).lower()
)
INSURANCE_VALUES = word_set("medicaid medicare")
MARITAL_VALUES = word_set(
    """married single divorced widowed separated never-married unmarried married-civ-spouse
    married-spouse-absent married-af-spouse verheiratet ledig geschieden verwitwet soltero
    casado divorciado viudo soltera casada divorciada viuda solteiro divorciado viuvo marie
    celibataire divorce veuf mariee veuve sposato celibe nubile divorziato vedovo gehuwd
    ongehuwd gescheiden"""
)
