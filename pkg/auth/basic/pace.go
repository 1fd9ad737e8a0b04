package basic

import (
	"runtime"
	"time"
)

const (
	beat        = 2 * time.Millisecond // for which an attempt works and rests by turns; Go's timers are good to 1 ms
	mostStep    = beat / 4             // worked at a time
	shareOfPast = 0.08                 // of a core, for an attempt at the back; below what restFactor allows
	shareInTime = 0.1                  // of a core, for an attempt at the front while there is one at the back
	firstStep   = beat / 10            // before it is known what the share is
	shareOfCPU  = 0.4                  // of the container's limit, for hashing; a container that uses it up is stopped for up to 100 ms
)

// A pace spreads the work of one attempt: it works for a fraction of a millisecond, then rests, and so takes no more than a
// share of one core. Whoever works for long at a stretch, on a machine where others do too, falls behind them in the
// eyes of the scheduler, and so do the requests that this process serves meanwhile.
type pace struct {
	slot  *slot
	back  bool    // it rests for as long as another is at the front
	limit float64 // share of one core that the container's limit allows; 0: not known yet

	began  time.Time     // this step
	before time.Duration // what the thread had used by then
	known  bool
	length time.Duration // of this step, of work
	cost   time.Duration // of a core, so far
	due    time.Time     // when the work so far is paid by rests
	timer  *time.Timer
}

// begin starts a step. The goroutine stays on its thread until the step ends, for its clock.
func (p *pace) begin() {
	runtime.LockOSThread()
	p.known = false
	if p.slot.used != nil {
		p.before, p.known = p.slot.used()
	}
	p.began = p.slot.now()
}

// worked is how much of a core this step has taken by now, or as much as can be where nobody knows.
func (p *pace) worked(now time.Time) time.Duration {
	most := now.Sub(p.began)
	if p.known {
		if after, ok := p.slot.used(); ok {
			return min(after-p.before, most)
		}
	}
	return most
}

// end ends a step.
func (p *pace) end(worked time.Duration) {
	p.cost += worked
	runtime.UnlockOSThread()
}

// step is called by the hash again and again, and returns when it may go on.
func (p *pace) step() {
	now := p.slot.now()
	if now.Sub(p.began) < p.length {
		return
	}
	worked := p.worked(now)
	if worked < p.length {
		return
	}
	p.end(worked)
	share := p.share()
	p.length = time.Duration(min(float64(mostStep), share*float64(beat)))
	if share < 1 {
		if late := now.Add(-beat); p.due.Before(late) { // it was not let work for a while, and does not make up for that
			p.due = late
		}
		p.due = p.due.Add(time.Duration(float64(worked) / share))
		p.rest(p.due.Sub(now))
	}
	p.begin()
}

// share is how much of one core the attempt may take from now on; 1: what it can get. At the front an attempt gets all that
// there is; while another waits at the back, which is what a flood looks like, it leaves most of it to requests.
func (p *pace) share() float64 {
	if p.limit == 0 {
		p.limit = 1
		if p.slot.cores != nil {
			if cores := p.slot.cores(); cores > 0 {
				p.limit = min(cores*shareOfCPU, 1)
			}
		}
	}
	switch {
	case p.back:
		return min(shareOfPast, p.limit)
	case p.slot.hurried():
		return min(shareInTime, p.limit)
	default:
		return p.limit
	}
}

// rest returns after d, and if the attempt is at the back when the front is free.
func (p *pace) rest(d time.Duration) {
	if p.back {
		p.slot.stand(true)
		defer p.slot.stand(false)
	}
	if d <= 0 {
		return
	}
	if p.timer == nil {
		p.timer = time.NewTimer(d)
	} else {
		p.timer.Reset(d)
	}
	<-p.timer.C
}

// hurried says whether an attempt at the front shares the time with one at the back.
func (s *slot) hurried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.back
}

// stand lets the attempt at the back rest, and others start; or has it work again, as soon as nobody is at the front.
func (s *slot) stand(resting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if resting {
		s.working = false
		s.dispatch()
		return
	}
	for s.front {
		s.free.Wait()
	}
	s.working = true
}

// run hashes a flight and hands its verdict out.
func (s *slot) run(f *flight, back bool) {
	p := &pace{slot: s, back: back, length: firstStep}
	start := s.now()
	p.begin()
	v := s.hash(f.attempt, p.step)
	end := s.now()
	p.end(p.worked(end))
	if s.observe.Hashed != nil {
		s.observe.Hashed(p.cost, v.ok)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if back {
		s.back, s.working = false, false
	} else {
		s.front = false
		s.free.Signal()
	}
	if v.ok {
		s.failures.forget(f.source)
	} else {
		if s.failures.fresh(f.source, end) {
			s.freshFailed = end
		}
		s.failures.add(f.source, end)
		s.owe(start, end, p.cost)
	}
	f.verdict = v
	s.finish(f)
	s.dispatch()
}
