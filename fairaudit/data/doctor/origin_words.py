"""Values that say where people come from, what they speak and what they believe.

In English, German, Dutch, Scandinavian, Spanish, Portuguese, Italian, French and Polish; without
accents, as `folded` leaves them.
"""

from __future__ import annotations

from fairaudit.data.name_words import folded, word_set


def _values(text: str) -> frozenset[str]:
    return word_set(folded(text).lower())


LANGUAGES = _values(
    """english german french spanish italian portuguese polish dutch russian ukrainian turkish
    arabic mandarin cantonese chinese hindi urdu bengali punjabi tagalog vietnamese korean
    japanese farsi persian dari pashto kurdish somali tigrinya amharic swahili albanian romanian
    bulgarian serbian croatian bosnian greek hungarian czech swedish norwegian danish finnish
    creole navajo welsh basque catalan quechua aymara guarani nahuatl maya mapudungun
    deutsch englisch französisch spanisch italienisch portugiesisch polnisch niederländisch
    russisch ukrainisch türkisch arabisch chinesisch kurdisch persisch albanisch rumänisch
    serbisch kroatisch bosnisch griechisch vietnamesisch schwedisch
    nederlands engels duits frans spaans turks pools oekraïens fries koerdisch berbers papiaments
    svenska norsk dansk finska suomi arabiska engelska somaliska polska samiska sami
    español castellano inglés alemán francés portugués catalán euskera gallego valenciano aimara
    árabe ruso rumano chino náhuatl
    inglês espanhol alemão francês crioulo português ucraniano
    italiano inglese tedesco francese spagnolo rumeno albanese arabo cinese
    français anglais allemand espagnol portugais italien arabe berbère kabyle turc russe chinois
    wolof lingala créole breton
    polski angielski niemiecki francuski rosyjski ukraiński białoruski wietnamski romski"""
)
RELIGIONS = _values(
    """christian catholic protestant orthodox muslim jewish hindu buddhist sikh atheist agnostic
    christianity islam judaism hinduism buddhism islamic evangelical anglican lutheran
    katholisch evangelisch muslimisch jüdisch orthodox konfessionslos katholiek protestants
    islamitisch joods católico católica evangélico evangélica musulmán musulmana judío ateo
    católico muçulmano muçulmana judeu cattolico cattolica musulmano musulmana ebreo
    catholique protestant musulman musulmane juif juive athée bouddhiste
    katolik prawosławny muzułmanin żydowskie muslimsk kristen katolsk"""
)
# Countries and parts of the world, also of origins such as "Maghreb" and "non-EU".
PLACES = _values(
    """afghanistan albania algeria argentina armenia australia austria bangladesh belarus belgium
    bolivia bosnia brazil bulgaria cameroon canada chile china colombia congo croatia cuba
    cyprus czechia denmark ecuador egypt eritrea estonia ethiopia finland france georgia germany
    ghana greece guatemala haiti honduras hungary iceland india indonesia iran iraq ireland
    israel italy jamaica japan jordan kazakhstan kenya kosovo latvia lebanon libya lithuania
    malaysia mali mexico moldova morocco nepal netherlands nicaragua nigeria norway pakistan
    palestine paraguay peru philippines poland portugal romania russia senegal serbia slovakia
    slovenia somalia spain sudan suriname sweden switzerland syria taiwan thailand tunisia turkey
    ukraine uganda uruguay usa venezuela vietnam yemen zimbabwe england scotland wales
    africa asia europe america caribbean maghreb antilles balkans oceania eu uk eea
    subsaharan mideast
    deutschland österreich schweiz polen rumänien bulgarien türkei syrien italien spanien
    frankreich griechenland russland kroatien serbien marokko afrika asien europa irak vietnam
    nederland belgie duitsland turkije polen syrie antillen curacao indonesie
    sverige norge danmark finland syrien irak tyskland storbritannien
    españa marruecos rumania perú méxico brasil francia italia alemania argelia áfrica
    europa américa latinoamérica
    angola moçambique mozambique ucrânia cabo venezuela itália espanha guiné
    romania marocco albania cina ucraina filippine egitto tunisia senegal
    allemagne italie espagne portugal maroc algérie tunisie turquie pologne roumanie comores
    chine syrie afrique asie europe amérique sénégal mali
    polska ukraina białoruś niemcy rosja wietnam gruzja azja afryka"""
)
# Words of names that say a column is about where somebody comes from.
ORIGINS = _values(
    """origin origins origine origines origen origem pochodzenie provenienza abstammung ursprung
    herkunft herkomst afkomst ascendencia ascendance ancestry descent background country pays
    pais paese land kraj landet"""
)
