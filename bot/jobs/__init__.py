"""What happens without anybody's click: schedules, the matcher, offers that ran out, deliveries that never arrived."""
