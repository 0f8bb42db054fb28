package cli

type drawing struct{ Title string }

func (r *Recorder) drawing() drawing { return drawing{r.Peer} }
