namespace AsArm.Perf.Load;

/// <summary>What became of requests; may be used by several clients at the same time.</summary>
internal sealed class LoadTally
{
    private const int ShownFaults = 10;
    private readonly Lock _lock = new();
    private readonly List<string> _faults = [];

    public int Right { get; private set; }

    public int Wrong { get; private set; }

    public int OfAnotherRequest { get; private set; }

    /// <summary>Given up by the client before the answer.</summary>
    public int Cancelled { get; private set; }

    /// <summary>Refused with 429 or 503, and a time after which to try again.</summary>
    public int TryAgain { get; private set; }

    /// <summary>Hostile requests that were refused with 4xx.</summary>
    public int HostileRefused { get; private set; }

    /// <summary>Hostile requests whose connection was closed.</summary>
    public int HostileClosed { get; private set; }

    /// <summary>Answers with 500 and other statuses that a request must not have, hostile requests that were accepted, and failed connections.</summary>
    public int OtherFaults { get; private set; }

    /// <summary>Everything that must not be.</summary>
    public int Faults => Wrong + OfAnotherRequest + OtherFaults;

    /// <summary>The first faults.</summary>
    public IReadOnlyList<string> FirstFaults => _faults;

    public void AddAnswer(Verdict verdict, string difference)
    {
        lock (_lock)
        {
            Right += verdict == Verdict.Right ? 1 : 0;
            Wrong += verdict == Verdict.Wrong ? 1 : 0;
            OfAnotherRequest += verdict == Verdict.OfAnotherRequest ? 1 : 0;
            if (verdict != Verdict.Right)
                Describe($"{verdict}: {difference}");
        }
    }

    /// <summary>An answer that is not 200.</summary>
    public void AddRefusal(int status, bool hasRetryAfter, string what)
    {
        lock (_lock)
        {
            if (status is 429 or 503 && hasRetryAfter)
                TryAgain++;
            else
                AddOther($"{status}{(hasRetryAfter ? "" : " without Retry-After")}: {what}");
        }
    }

    public void AddCancelled()
    {
        lock (_lock)
            Cancelled++;
    }

    /// <summary>The answer to a hostile request; null for a closed connection.</summary>
    public void AddHostile(int? status, string what)
    {
        lock (_lock)
        {
            if (status is null)
                HostileClosed++;
            else if (status is >= 400 and < 500)
                HostileRefused++;
            else
                AddOther($"{status} for {what}");
        }
    }

    public void AddFailure(string what)
    {
        lock (_lock)
            AddOther(what);
    }

    /// <summary>Adds the counts of another one.</summary>
    public void Add(LoadTally other)
    {
        lock (_lock)
        {
            (Right, Wrong, OfAnotherRequest, Cancelled) = (Right + other.Right, Wrong + other.Wrong, OfAnotherRequest + other.OfAnotherRequest, Cancelled + other.Cancelled);
            (TryAgain, HostileRefused, HostileClosed, OtherFaults) = (TryAgain + other.TryAgain, HostileRefused + other.HostileRefused, HostileClosed + other.HostileClosed, OtherFaults + other.OtherFaults);
            other._faults.ForEach(Describe);
        }
    }

    private void AddOther(string what)
    {
        OtherFaults++;
        Describe(what);
    }

    private void Describe(string fault)
    {
        if (_faults.Count < ShownFaults)
            _faults.Add(fault);
    }
}
