/**
 * What the state socket carries (docs/contracts.md section 5). Types only: this module has no code.
 * Times are UTC milliseconds; words are enum values of core/terms.py, never sentences.
 *
 * @typedef {{person: string, name: string, role: 'operator'|'supervisor'|'officer'|'protected'|'administrator'|'city_operator'|'city_head', seat: string, centre: string,
 *   centre_name?: string, video_url?: string}} Me
 * @typedef {{lat: number, lon: number, radius_m: number, source: string, observed_at: number, received_at: number}} Place
 * @typedef {{id: string, wearer: string, who: string, case_no: string, kind: string, priority: number,
 *   certainty: string, state: 'unacked'|'acked'|'returned_unacked'|'shelved'|'closed', incident: string|null,
 *   observed_at: number, raised_at: number, count: number, escalates_at: number|null, level: number,
 *   place: Place|null, zone_name: string|null}} Alarm
 * @typedef {{request: string, city: string, city_name: string, state: string, why: string|null, asked_at?: number, answer_by?: number|null}} VideoRequest
 * @typedef {{camera: string, name: string, lat: number, lon: number, at: number, sight: 'seen'|'not_here', heading: string|null, travel: string|null,
 *   who: string}} Sighting
 * @typedef {{grant: string, city: string, city_name: string, granted_at: number, until: number, conditions: string[],
 *   state: string, why: string|null}} Grant
 * @typedef {{camera: string, name: string, city: string, city_name: string, grant: string|null, lat: number, lon: number,
 *   range_m: number, azimuth_deg: number|null, view_deg: number|null, ptz: boolean, purpose: string, presets?: {number: number, name: string}[],
 *   reason: string, distance_m: number, state: 'proposed'|'granted'|'ended'}} Camera
 * @typedef {{state: 'none'|'proposed'|'requested'|'granted'|'partly'|'refused'|'ended', requests: VideoRequest[],
 *   grants: Grant[], cameras: Camera[]}} Video
 * @typedef {{dispatch: string, unit: string, unit_name: string, state: string, standing?: string|null, ordered_at: number,
 *   answer_by: number|null, overdue: boolean, answered_at?: number|null}} Dispatch
 * @typedef {{notice: string, room: string, room_name: string, state: string, sent_at: number,
 *   answer_by: number|null, overdue: boolean, answered_at?: number|null, kind?: string|null}} Notice
 * @typedef {{step: string, state: 'done'|'now'|'next'|'late'|'sent'|'not_applicable'|'skipped', at: number|null, due_at: number|null, why?: string|null}} Step
 * @typedef {{at: number, what: string, by_name: string|null, with: Record<string, unknown>}} Entry
 * @typedef {{name: string, case_no: string, age: number|null, office: string, officer: string, phone_known: boolean}} Who
 * @typedef {{basis: string|null, article_ko: string, article_en: string, why: string|null}} Law
 * @typedef {{id: string, wearer: string, priority: number, kind: string, state: 'open'|'claimed'|'closed',
 *   owner: string|null, owner_name: string|null, opened_at: number, closed_at: number|null, code: string|null,
 *   still?: string[], after?: {id: string, closed_at: number, code: string|null}|null, alarms: string[], who: Who, locatable?: boolean, located_at?: number|null, district?: {areas: string[], offices: Competent[]}|null, place: Place|null, speed_mps: number|null,
 *   evidence: {for: string[], against: string[], certainty: string, reach?: {on_foot_m: number, by_car_m: number}}, law: Law, video: Video, dispatches: Dispatch[],
 *   notices: Notice[], calls: {at: number, by_name: string, outcome: string}[], steps: Step[], record: Entry[],
 *   sealed: number, duties: {duty: string, due_at: number}[], protected?: Shielded[], sightings?: Sighting[], marks?: FieldMark[],
 *   told?: Told[], photos?: FieldPhoto[], backup?: Backup|null}} Incident
 * @typedef {{id: string, name: string, phone_known: boolean, place: {lat: number, lon: number, observed_at: number}|null,
 *   near_m: number|null, warned_at: number|null, kind: string|null, direction: boolean, answer: string|null,
 *   why: string|null, article_ko: string, article_en: string}} Shielded
 * A protected person whom an open incident concerns, as an operator sees it.
 * @typedef {{kind: string, finding: string, names: string[]}} Competent
 * @typedef {{wearer: string, points: [number, number, number, number][]}} Track
 * @typedef {{id: string, name: string, kind: 'office'|'rapid'|'police', lat: number, lon: number, at: number,
 *   state: string, dispatch: string|null, eta_s: number|null}} Unit
 * @typedef {{id: string, name: string, role: string, up: boolean, since: number, delay_ms: number|null, streams: number}} Link
 * @typedef {{id: string, name: string, kind: string, polygon?: [number, number][], parts?: [number, number][][][],
 *   circle?: {lat: number, lon: number, radius_m: number}}} Zone
 * @typedef {{wearers: number, reporting: number, silent: number, cameras: number, last_fix_at: number|null,
 *   fixes_per_s: number, pictures_open: number, ledger_size: number, ledger_checked_at: number|null,
 *   cities_agree: boolean|null, disk?: string}} Calm
 * @typedef {{person: string, name: string, role: string, seat: string, here: boolean, incidents: number}} Seat
 * @typedef {{part: string, id: string, word: string, confirmed_at: number|null, kind?: string, priority?: number, who?: string, case_no?: string,
 *   at?: number, due_at?: number, leader_name?: string|null, incident?: string|null, state?: string, unit_name?: string, city_name?: string,
 *   cameras?: number, name?: string, text?: string}} HandoverItem  What is known of it beside `part`, `id` and `word` depends on its part.
 * @typedef {{id: string, giver: string, giver_name: string, taker: string, taker_name: string, whole: boolean, offered_at: number,
 *   taken_at: number|null, ended_at: number|null, end: string|null, ended_by_name: string|null, items: HandoverItem[],
 *   duties: {duty: string, due_at: number, who: string}[]}} Handover
 * @typedef {{person: string, ringing: number, oldest_at: number|null, answered: number, answer_ms_median: number|null}} Desk
 * @typedef {{id: string, name: string, role: string, up: boolean, since: number, heard_at: number|null, delay_ms: number|null, owed: number, streams: number}} Road
 * @typedef {{links: Road[], relay: {up: boolean, since: number, streams: number}, disk: {level: string, free_gb: number}, certificate_days: number,
 *   ledger_size: number, windows: number}} Health
 * @typedef {{raised: number, ringing: number, oldest_at: number|null, escalated: number, answered: number, answer_ms_median: number|null,
 *   answer_ms_max: number|null, acceptable: number, manageable: number, flood: number}} Figures
 * @typedef {{who: string, kind: string, count: number, since?: number}} LoadRow
 * @typedef {{since: number, until: number, operators: number, raised: number, rung: number, held: Record<string, number>, unexplained: number,
 *   per_person_mean: number, per_person_peak: number, windows: number, floods: number, priorities: Record<string, number>,
 *   answer_ms_p50: number|null, answer_ms_p95: number|null, unanswered: number, top: LoadRow[], top_share: number, stale: number, stale_list: LoadRow[],
 *   chattering: number, chattering_list: LoadRow[], shelved: number, out_of_service: {wearer: string, who: string, case_no: string, reason: string, by_name: string, since: number, until: number, holds: string[]}[],
 *   service_ms: number[], service_holds: string[]}} Load
 * @typedef {{id: string, network: string, since: number, members: number, silent: number, acked_by_name: string|null, ended_at: number|null,
 *   end: string|null, left: number, list: {who: string, case_no: string, silent: boolean, guarded: boolean}[]}} Outage
 * @typedef {{alarm: string, for_ms: number[], until: number|null, by_name: string|null, reason: string|null}} Shelf
 * An alarm that lies on the shelf, or may be put there for one of `for_ms`.
 * @typedef {{lat: number, lon: number, radius_m: number}} Spot
 * @typedef {{action: string, mark: 'seen'|'not_seen'|'backup', at: number, heard_at: number, by_name: string, unit_name: string,
 *   spot: Spot|null}} FieldMark  `at` is the officer's own time of it.
 * @typedef {{at: number, by_name: string, text: string}} Told
 * @typedef {{photo: string, at: number, by_name: string, unit_name: string, size_bytes: number, sha256: string, spot: Spot|null}} FieldPhoto
 * @typedef {{action: string, mark: 'seen'|'not_seen'|'backup', at: number, heard_at: number, by_name: string, unit_name: string,
 *   spot: Spot|null, answered_at: number|null, answered_name: string|null}} Backup
 * At a smart city centre (contracts section 5a):
 * @typedef {{request: string, incident: string, sender: string, sender_name: string, kind: string, priority: number,
 *   state: 'prepared'|'waiting'|'granted', since: number, answer_by: number|null, until: number, radius_m: number, count: number,
 *   cameras: {camera: string, name: string, purpose: string}[], grant: string|null, by_name: string|null, unreviewed: boolean,
 *   after_no: boolean, law: Law, viewers: number}} CityRequest
 * @typedef {{request: string, incident: string, grant: string|null, receiver_name: string, state: 'granted'|'ended'|'refused', at: number,
 *   basis: string|null, kind: string|null, cameras: string[], at_once: number, conditions: string[], until: number|null, by_name: string|null,
 *   ended_at: number|null, ended_by_name: string|null, why: string|null, watched: boolean, unreviewed: boolean,
 *   reviewed_by_name: string|null, answered_ms: number|null}} Provision
 * @typedef {{footage: string, incident: string, sender_name: string, state: 'waiting'|'allowed'|'denied'|'closed', over: boolean, at: number, basis: string, article_ko: string,
 *   article_en: string, document: string, cameras: {camera: string, name: string, purpose: string}[], since: number, until: number, answer_by: number,
 *   answered_at: number|null, by_name: string|null, conditions: string[], fetch_by: number|null, files: number, bytes: number, lacking: Record<string, string>,
 *   why: string|null, over_at: number|null}} CityFootage
 * @typedef {{basis: string, approval: 'auto'|'person', kinds: string[]}} ApprovalRule
 * @typedef {{cameras: number, granted: number, granted_cameras: number, refused: number, refusals: Record<string, number>, stopped: number,
 *   unreviewed: number, answer_ms_median: number|null, answer_ms_max: number|null, streams_given: number, streams_own: number,
 *   ledger_size: number}} Today
 * @typedef {{dispatch: string, state: string, incident: string, place: Place|null, kind_word: string,
 *   answer_by: number|null, office: string, priority: number, ordered_at: number, unable: string|null, lead_name: string|null, lead_phone?: string|null,
 *   others: {unit_name: string, state: string}[], sighting: FieldMark|null, told?: Told[], backup: {at: number, answered_at: number|null}|null,
 *   law: {article_ko: string, article_en: string, conditions: string[]}|null, grants: Grant[], cameras: Camera[]}} Order
 * @typedef {{state: string, at: number, read: boolean}} Police
 * @typedef {{incident: string, kind: string, certainty: string, near_m: number, give_m: number|null, closing: boolean|null,
 *   observed_at: number, sector: {towards_deg: number, width_deg: number, away_deg: number}|null, warned_at: number,
 *   answer: string|null, police: Police|null}} Warned
 * @typedef {{known_at: number|null, heard_at: number|null, lost: {since: number, police: Police|null}|null,
 *   called: {at: number, police: Police|null}|null, warning: Warned|null, going: string|null}} Shield
 * All that a protected person's page is made of: no position, no name, no id of a wearer.
 *
 * @typedef {{me: Record<string, Me>, alarms: Record<string, Alarm>, incidents: Record<string, Incident>,
 *   tracks: Record<string, Track>, units: Record<string, Unit>, links: Record<string, Link>, zones: Record<string, Zone>,
 *   calm: Record<string, Calm>, seats: Record<string, Seat>, orders: Record<string, Order>, shield: Record<string, Shield>, requests: Record<string, CityRequest>,
 *   provisions: Record<string, Provision>, approval: Record<string, ApprovalRule>, today: Record<string, Today>,
 *   turned: Record<string, {camera: string, until: number}>, handovers: Record<string, Handover>, desks: Record<string, Desk>,
 *   health: Record<string, Health>, figures: Record<string, Figures>, footage: Record<string, CityFootage>,
 *   outages: Record<string, Outage>, shelves: Record<string, Shelf>, load: Record<string, Load>}} Collections
 *
 * @typedef {{ok: true, [more: string]: unknown} | {ok: false, no: string}} Answer
 * What a command came to. `no` is a word of `Why`, or one of this page's own: `disconnected`, `no_answer`.
 *
 * @typedef {{number: number, name: string, azimuth_deg: number, view_deg: number}} Preset
 * @typedef {{azimuth_deg: number|null, view_deg: number|null, range_m: number, presets: Preset[]}} Setting
 * How a camera stands (`LensSetting` of core/events.py).
 * @typedef {{camera: string, name: string, lat: number, lon: number, ptz: boolean, purpose: string, listed: Setting,
 *   setting: Setting|null, set_by: string|null, set_at: number|null, reason: string|null, can_undo: boolean,
 *   description: string}} Calibrated
 * One camera on the page where a city's staff set it. `listed`: what the list says; `setting`: what staff set above it.
 *
 * @typedef {{account: string, password: string, name: string, role: string, seat?: string}} Account
 * @typedef {{name: string, ko: string, en: string}} Story
 * @typedef {{name: string, seconds: number|null, step: number|null, steps: {ko: string, en: string}[], rings_s: number, caught: boolean}} StoryRun
 * @typedef {{accounts: Account[], stories: Story[], panel_url: string, phones_url?: string, centre_name?: string}} Demo
 *
 * @typedef {'empty'|'proposed'|'asked'|'refused'|'waiting'|'live'|'stale'|'lost'|'ended'} TileState
 * @typedef {{slot: number, state: TileState, camera: Camera|null, why: string|null, since: number, frame_at: number|null,
 *   canvas: HTMLCanvasElement|HTMLVideoElement|null, until: number|null, city_name: string, answer_by?: number|null, note?: string}} Tile
 * One place on the wall. `frame_at` is on the corrected clock: the age of a picture is computed from it.
 *
 * @typedef {EventTarget & {connect(url: string): unknown, hello(token: string): unknown,
 *   kind?: 'webcodecs'|'mse'|'none', surface?(): HTMLCanvasElement|HTMLVideoElement, doubt?(): unknown,
 *   open(tile: number, canvas: HTMLCanvasElement|HTMLVideoElement, what: {grant: string, camera: string}): unknown,
 *   close(tile: number): unknown, mode(tile: number, mode: 'full'|'key'|'paused'): unknown,
 *   end(): unknown, report(): Promise<{tile: number, glass_ms: number|null}[]>}} Player
 */
export {};
