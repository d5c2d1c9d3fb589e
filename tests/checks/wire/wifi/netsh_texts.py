# ruff: noqa: E501, RUF001
"""netsh's texts in several languages, written after its documented shape: the same air, told by each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """The labels and values that netsh translates."""

    interface: str
    count: str
    network: str
    infrastructure: str
    authentication: str
    encryption: str
    open: str
    none: str
    personal: str
    enterprise: str
    signal: str
    radio: str
    band: str
    channel: str
    load: tuple[str, str, str, str]
    basic: str
    other: str
    name: str
    description: str
    physical: str
    state: str
    connected: str
    disconnected: str
    receive: str
    transmit: str
    profile: str
    decimal: str = "."
    percent: str = "%"


LANGUAGES = {
    "en": Language(
        "Interface name", "There are 3 networks currently visible.", "Network type", "Infrastructure",
        "Authentication", "Encryption", "Open", "None", "WPA2-Personal", "WPA2-Enterprise", "Signal",
        "Radio type", "Band", "Channel",
        ("Bss Load:", "Connected Stations:", "Channel Utilization:", "Medium Available Capacity:"),
        "Basic rates (Mbps)", "Other rates (Mbps)", "Name", "Description", "Physical address", "State",
        "connected", "disconnected", "Receive rate (Mbps)", "Transmit rate (Mbps)", "Profile",
    ),
    "fr": Language(
        "Nom de l’interface", "Il existe actuellement 3 réseaux visibles.", "Type de réseau\u00a0", "Infrastructure",
        "Authentification\u00a0", "Chiffrement\u00a0", "Ouvrir", "Aucun", "WPA2 - Personnel", "WPA2 - Entreprise",
        "Signal", "Type de radio", "Bande", "Canal",
        ("Charge BSS\u00a0:", "Stations connectées\u00a0:", "Utilisation du canal\u00a0:", "Capacité moyenne\u00a0:"),
        "Taux de base (Mbits/s)", "Autres taux (Mbits/s)", "Nom", "Description", "Adresse physique", "État",
        "connecté", "déconnecté", "Réception (Mbits/s)", "Transmission (Mbits/s)\u00a0", "Profil", ",", "\u00a0%",
    ),
    "pt": Language(
        "Nome da interface", "No momento, há 3 redes visíveis.", "Tipo de rede", "Infraestrutura", "Autenticação",
        "Criptografia", "Aberto", "Nenhuma", "WPA2-Pessoal", "WPA2-Empresa", "Sinal", "Tipo de rádio", "Faixa",
        "Canal", ("Carga Bss:", "Estações conectadas:", "Utilização do canal:", "Capacidade média disponível:"),
        "Taxas básicas (Mbps)", "Outras taxas (Mbps)", "Nome", "Descrição", "Endereço físico", "Estado",
        "conectado", "desconectado", "Taxa de recepção (Mbps)", "Taxa de transmissão (Mbps)", "Perfil", ",",
    ),
    "nl": Language(
        "Interfacenaam", "Er zijn momenteel 3 netwerken zichtbaar.", "Netwerktype", "Infrastructuur",
        "Verificatie", "Versleuteling", "Openen", "Geen", "WPA2-Persoonlijk", "WPA2-Onderneming", "Signaal",
        "Radiotype", "Band", "Kanaal",
        ("BSS-belasting:", "Verbonden stations:", "Kanaalgebruik:", "Gemiddelde beschikbare capaciteit:"),
        "Basissnelheden (Mbps)", "Overige snelheden (Mbps)", "Naam", "Beschrijving", "Fysiek adres", "Status",
        "verbonden", "verbinding verbroken", "Ontvangstsnelheid (Mbps)", "Overdrachtssnelheid (Mbps)", "Profiel",
        ",",
    ),
    "pl": Language(
        "Nazwa interfejsu", "Liczba widocznych obecnie sieci to 3.", "Typ sieci", "Infrastruktura",
        "Uwierzytelnianie", "Szyfrowanie", "Otwarte", "Brak", "WPA2-Osobiste", "WPA2-Przedsiębiorstwo", "Sygnał",
        "Typ radia", "Pasmo", "Kanał",
        ("Obciążenie BSS:", "Połączone stacje:", "Wykorzystanie kanału:", "Średnia dostępna pojemność:"),
        "Szybkości podstawowe (Mb/s)", "Inne szybkości (Mb/s)", "Nazwa", "Opis", "Adres fizyczny", "Stan",
        "połączono", "rozłączono", "Szybkość odbierania (Mb/s)", "Szybkość transmisji (Mb/s)", "Profil", ",",
    ),
    "sv": Language(
        "Gränssnittsnamn", "Det finns 3 synliga nätverk.", "Nätverkstyp", "Infrastruktur", "Autentisering",
        "Kryptering", "Öppen", "Ingen", "WPA2 - personligt", "WPA2 - företag", "Signal", "Radiotyp", "Band",
        "Kanal", ("BSS-belastning:", "Anslutna stationer:", "Kanalanvändning:", "Tillgänglig kapacitet:"),
        "Grundläggande hastigheter (Mbit/s)", "Övriga hastigheter (Mbit/s)", "Namn", "Beskrivning",
        "Fysisk adress", "Tillstånd", "ansluten", "frånkopplad", "Mottagningshastighet (Mbit/s)",
        "Överföringshastighet (Mbit/s)", "Profil", ",", " %",
    ),
    "ja": Language(
        "インターフェイス名", "現在 3 のネットワークが表示されています。", "ネットワークの種類", "インフラストラクチャ",
        "認証", "暗号化", "オープン", "なし", "WPA2-パーソナル", "WPA2-エンタープライズ", "シグナル", "無線タイプ", "帯域",
        "チャネル", ("Bss 負荷:", "接続済みの局:", "チャネル使用率:", "中程度の使用可能な容量:"),
        "基本レート (Mbps)", "他のレート (Mbps)", "名前", "説明", "物理アドレス", "状態", "接続されました", "切断されました",
        "受信速度 (Mbps)", "送信速度 (Mbps)", "プロファイル",
    ),
}  # fmt: skip


def networks(tongue: Language) -> str:
    """Return `show networks mode=bssid`: an open net of two radios, a company's, and one that hides its name."""

    def station(
        number: int, address: str, signal: int, radio: str, band: str, channel: int, load: int | None
    ) -> str:
        told = band.replace(".", tongue.decimal)
        text = (
            f"    BSSID {number}                 : {address}\n"
            f"         {tongue.signal}             : {signal}{tongue.percent}  \n"
            f"         {tongue.radio}         : {radio}\n"
            f"         {tongue.band}               : {told} GHz\n"
            f"         {tongue.channel}            : {channel} \n"
        )
        if load is not None:
            head, stations, busy, capacity = tongue.load
            text += (
                f"         {head}\n             {stations}         3\n"
                f"             {busy}        {load} ({load * 100 // 255}{tongue.percent})\n"
                f"             {capacity}  0 (0 us/s)\n"
            )
        return text + (
            f"         {tongue.basic} : 6 12 24\n         {tongue.other} : 5{tongue.decimal}5 9 18 36 48 54\n"
        )

    def head(number: int, name: str, authentication: str, encryption: str) -> str:
        return (
            f"\nSSID {number} : {name}\n    {tongue.network}            : {tongue.infrastructure}\n"
            f"    {tongue.authentication}          : {authentication}\n"
            f"    {tongue.encryption}              : {encryption} \n"
        )

    return (
        f"\n{tongue.interface} : Wi-Fi \n{tongue.count} \n"
        + head(1, "Café : gäste", tongue.open, tongue.none)
        + station(1, "02:11:22:33:44:01", 99, "802.11ax", "2.4", 6, 128)
        + station(2, "02:11:22:33:44:02", 40, "802.11ac", "5", 100, None)
        + head(2, "Firma", tongue.enterprise, "CCMP")
        + station(1, "02:11:22:33:44:03", 71, "802.11be", "6", 37, 10)
        + head(3, "", tongue.personal, "TKIP")
        + station(1, "02:11:22:33:44:04", 5, "802.11g", "2.4", 11, None)
    )


def interfaces(tongue: Language, *, connected: bool = True, newer: bool = False) -> str:
    """Return `show interfaces`; `newer` as Windows 11 24H2 prints it."""
    link = (
        f"    SSID                   : Firma\n"
        f"    {'AP BSSID' if newer else 'BSSID'}                  : 02:11:22:33:44:03\n"
        + (
            f"    {tongue.band}                   : 5 GHz\n    {tongue.channel}                : 100\n"
            if newer
            else ""
        )
        + f"    {tongue.network}           : {tongue.infrastructure}\n"
        f"    {tongue.radio}             : 802.11ax\n"
        f"    {tongue.authentication}         : {tongue.enterprise}\n"
        f"    {tongue.encryption}                 : CCMP\n"
        f"    {tongue.profile} 2        : {tongue.profile}\n"
        + ("" if newer else f"    {tongue.channel}                : 100\n")
        + f"    {tongue.receive}    : 866{tongue.decimal}7\n    {tongue.transmit}   : 780\n"
        f"    {tongue.signal}                 : 83{tongue.percent} \n"
        + ("    Rssi                   : -58\n" if newer else "")
        + f"    {tongue.profile}                : Firma \n"
        + ("    QoS MSCS                : 0\n    QoS Map                 : 1\n" if newer else "")
    )
    return (
        f"\n{tongue.count}\n\n    {tongue.name}                   : Wi-Fi 2\n"
        f"    {tongue.description}            : Some(R) Wi-Fi 6E AX211 160MHz\n"
        "    GUID                   : 7825d47a-5d59-4c93-8d91-2b0e1b5f6c4b\n"
        f"    {tongue.physical}       : 02-aa-bb-cc-dd-ee\n"
        f"    {tongue.state}                  : {tongue.connected if connected else tongue.disconnected}\n"
        + (
            link
            if connected
            else "    Radio                  : Hardware 1\n                             Software 1\n"
        )
        + "\n    Hosted                 : 0\n\n"
    )
