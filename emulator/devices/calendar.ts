const SECONDS_PER_DAY = 86_400;

/** A moment in the proleptic Gregorian calendar. Month and day count from 1, Sunday is week day 1, as in an RTC. */
export interface CalendarTime {
  year: number;
  month: number;
  day: number;
  weekDay: number;
  hours: number;
  minutes: number;
  seconds: number;
}

/** Days from 1 January 1970; years here begin in March, so that the leap day is a year's last. */
function daysFromDate(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const monthsFromMarch = (month + 9) % 12;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + Math.floor((153 * monthsFromMarch + 2) / 5) + day - 1 - 719_468;
}

/** Seconds from 1970-01-01 00:00:00. Fields beyond their range carry over; the week day is not looked at. */
export function secondsOf(time: CalendarTime): number {
  const days = daysFromDate(time.year, time.month, time.day);
  return days * SECONDS_PER_DAY + time.hours * 3600 + time.minutes * 60 + time.seconds;
}

/** The inverse of `secondsOf`, for integers. */
export function calendarTime(seconds: number): CalendarTime {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const inDay = seconds - days * SECONDS_PER_DAY;
  let year = 1970 + Math.floor(days / (days < 0 ? 365 : 366));
  while (daysFromDate(year + 1, 1, 1) <= days) year++;
  let month = 1;
  while (month < 12 && daysFromDate(year, month + 1, 1) <= days) month++;
  return {
    year,
    month,
    day: days - daysFromDate(year, month, 1) + 1,
    weekDay: ((((days + 4) % 7) + 7) % 7) + 1,
    hours: Math.floor(inDay / 3600),
    minutes: Math.floor(inDay / 60) % 60,
    seconds: inDay % 60,
  };
}
