using AsArm.Cli.Commands;
using AsArm.Inference.Infilling;

namespace AsArm.Cli.Lines;

/// <summary>Lines under way, written in their order: a line as soon as it and all before it are done. Filled by one task, emptied by another.</summary>
internal sealed class LineQueue(LineOutput output, InfillWriter writer) : IDisposable
{
    private const int MaxWaiting = 1024; // lines under way; a long one counts as several
    private const int CharactersOfALine = 1 << 16;
    private readonly Queue<InfillLine> _waiting = new();
    private readonly SemaphoreSlim _room = new(MaxWaiting);

    /// <summary>Lines filled.</summary>
    public long Filled { get; private set; }

    /// <summary>Lines of which nothing, or not every sample, was filled.</summary>
    public long Failed { get; private set; }

    /// <summary>Takes a line in before its requests go out; a bad one is done at once.</summary>
    public async Task AddAsync(InfillLine line, CancellationToken cancellationToken)
    {
        for (int i = 0; i < RoomOf(line); i++)
            await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
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

    public void Dispose() => _room.Dispose();

    private void WriteFinished()
    {
        while (_waiting.TryPeek(out InfillLine? line) && line.IsDone)
        {
            string[] errors = [.. ErrorsOf(line)];
            output.Write(writer.ToJsonLine(line).Span);
            if (line.Warning is string warning)
                Console.Error.WriteLine($"asarm: line {line.Number}: {warning}");
            foreach (string error in errors)
                Console.Error.WriteLine($"asarm: line {line.Number}: {error.ReplaceLineEndings(" ")}");
            if (errors.Length == 0)
                Filled++;
            else
                Failed++;
            _waiting.Dequeue();
            _room.Release(RoomOf(line));
        }
    }

    private static int RoomOf(InfillLine line) => (int)Math.Clamp(line.Characters / CharactersOfALine, 1, MaxWaiting);

    private static IEnumerable<string> ErrorsOf(InfillLine line)
    {
        if (line.LineError is string whole)
            return [whole];
        return line.Outcomes.Index().Where(entry => entry.Item.Error is not null).Select(entry => $"sample {entry.Index + 1}: {entry.Item.Error!.Message}");
    }
}
