using AsArm.Cli.Options;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Lines;

/// <summary>Lines in progress, written in their order: a line as soon as it and all before it are done. Filled by one task, emptied by another.</summary>
internal sealed class LineQueue(LineOutput output, LineJson json, TextWriter errorWriter) : IDisposable
{
    private const int MaxWaiting = 1024; // lines in progress; a long one counts as several
    private const int CharactersPerSlot = 1 << 16;
    private readonly Queue<InfillLine> _waiting = new();
    private readonly SemaphoreSlim _slots = new(MaxWaiting);

    /// <summary>Lines filled.</summary>
    public long Filled { get; private set; }

    /// <summary>Lines that failed, or of which a sample failed.</summary>
    public long Failed { get; private set; }

    /// <summary>Adds a line before its requests are submitted; a bad one is done at once.</summary>
    public async Task AddAsync(InfillLine line, CancellationToken cancellationToken)
    {
        for (int i = 0; i < SlotsOf(line); i++)
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_waiting)
        {
            _waiting.Enqueue(line);
            WriteFinished();
        }
    }

    /// <summary>The next outcome, in the order of the requests.</summary>
    public void Take(InfillOutcome outcome)
    {
        lock (_waiting)
        {
            _waiting.Peek().Outcomes.Add(outcome);
            WriteFinished();
        }
    }

    public void Dispose() => _slots.Dispose();

    private void WriteFinished()
    {
        while (_waiting.TryPeek(out InfillLine? line) && line.IsDone)
        {
            string[] errors = [.. ErrorsOf(line)];
            output.Write(json.Write(line).Span);
            if (line.Warning is string warning)
                errorWriter.WriteLine($"asarm: line {line.Number}: {warning}");
            foreach (string error in errors)
                errorWriter.WriteLine($"asarm: line {line.Number}: {error.ReplaceLineEndings(" ")}");
            if (errors.Length == 0)
                Filled++;
            else
                Failed++;
            _waiting.Dequeue();
            _slots.Release(SlotsOf(line));
        }
    }

    private static int SlotsOf(InfillLine line) => (int)Math.Clamp(line.Characters / CharactersPerSlot, 1, MaxWaiting);

    private static IEnumerable<string> ErrorsOf(InfillLine line)
    {
        if (line.LineError is string whole)
            return [whole];
        return line.Outcomes.Index().Where(entry => entry.Item.Error is not null).Select(entry => $"sample {entry.Index + 1}: {ErrorText.Of(entry.Item.Error!)}");
    }
}
